# Makes the data and the expected values of tests/test_attrition.py again, with R's glm and survey:
#
#   Rscript tests/reference/attrition.R
#
# Run from the root of the project.
# apt-get install r-base-core r-cran-survey
suppressPackageStartupMessages(library(survey))
here <- "tests/reference"
options(digits = 15, survey.lonely.psu = "fail")
data(api)

# ---- data: the scores of 1999 are the pre, those of 2000 the post, which is lost the more often the poorer the school
set.seed(20)
prepared <- function(d, keys) {
  d <- d[c(keys, "stype", "awards", "meals", "ell", "api99", "api00", "pw")]
  d$awards <- as.character(d$awards)
  d$awards[sample(nrow(d), 14)] <- NA
  d$ell[sample(nrow(d), 11)] <- NA
  d$elementary <- ifelse(d$stype == "E", "yes", "no")  # says again what stype says
  lost <- runif(nrow(d)) < plogis(-2.2 + 0.03 * d$meals + 0.8 * (d$stype == "H"))
  d$api00[lost] <- NA
  names(d)[names(d) == "api99"] <- "pre"
  names(d)[names(d) == "api00"] <- "post"
  d
}
samples <- list(strata = prepared(apistrat, "fpc"), clusters = prepared(apiclus1, c("dnum", "fpc")))
for (name in names(samples)) {
  write.csv(samples[[name]], file.path(here, paste0("attrition_", name, ".csv")), row.names = FALSE, na = "")
}
designs <- function(name, weights) switch(name,
  strata = svydesign(id = ~1, strata = ~stype, weights = weights, fpc = ~fpc, data = samples$strata),
  clusters = svydesign(id = ~dnum, weights = weights, fpc = ~fpc, data = samples$clusters))

rows <- list()
add <- function(case, what, value, variable = "", level = "") {
  rows[[length(rows) + 1]] <<- data.frame(case = case, what = what, variable = variable, level = level,
                                          value = as.numeric(value))
}
# A missing answer is a level of its own; of a number it has a term, against the mean of the others.
as_level <- function(x) ifelse(is.na(x), "(missing)", as.character(x))

for (case in names(samples)) {
  d <- samples[[case]]
  kept <- !is.na(d$post)
  design <- designs(case, ~pw)

  # ---- standardised differences: shares and means weighted, variances p(1-p) and svyvar
  difference <- function(a, b, va, vb) (a - b) / sqrt((va + vb) / 2)
  for (variable in c("stype", "awards")) {
    x <- as_level(d[[variable]])
    levels <- sort(unique(x))
    share <- function(side) sapply(levels, function(l) sum(d$pw[side & x == l]) / sum(d$pw[side]))
    a <- share(kept); b <- share(!kept)
    for (l in levels) {
      add(case, "n_kept", sum(kept & x == l), variable, l)
      add(case, "n_lost", sum(!kept & x == l), variable, l)
      add(case, "base", sum(d$pw[x == l]) / sum(d$pw), variable, l)
      add(case, "kept", a[l], variable, l)
      add(case, "lost", b[l], variable, l)
      add(case, "difference", difference(a[l], b[l], a[l] * (1 - a[l]), b[l] * (1 - b[l])), variable, l)
    }
    # Yang and Dalton (2012): sqrt((T - C)' S^-1 (T - C)) over all levels but one
    t <- a[-1]; c <- b[-1]
    s <- -(outer(t, t) + outer(c, c)) / 2
    diag(s) <- (t * (1 - t) + c * (1 - c)) / 2
    add(case, "overall", sqrt(t(t - c) %*% solve(s) %*% (t - c)), variable, levels[1])
  }
  for (variable in c("meals", "ell", "pre")) {
    f <- as.formula(paste("~", variable))
    side <- function(keep) {
      part <- design[keep & !is.na(d[[variable]]), ]
      c(coef(svymean(f, part)), sqrt(coef(svyvar(f, part))))
    }
    a <- side(kept); b <- side(!kept)
    add(case, "kept", a[1], variable); add(case, "sd_kept", a[2], variable)
    add(case, "lost", b[1], variable); add(case, "sd_lost", b[2], variable)
    add(case, "difference", difference(a[1], b[1], a[2]^2, b[2]^2), variable)
  }

  # ---- weights
  d$awards_level <- factor(as_level(d$awards), c("No", "Yes", "(missing)"))
  d$ell_known <- ifelse(is.na(d$ell), mean(d$ell, na.rm = TRUE), d$ell)
  d$ell_missing <- as.numeric(is.na(d$ell))
  model <- glm(kept ~ stype + awards_level + meals + ell_known + ell_missing + pre, data = d, family = binomial,
               control = glm.control(epsilon = 1e-14, maxit = 100))
  b <- coef(summary(model))
  named <- c(stypeH = "stype:H", stypeM = "stype:M", awards_levelYes = "awards:Yes",
             "awards_level(missing)" = "awards:(missing)", meals = "meals:", ell_known = "ell:",
             ell_missing = "ell:(missing)", pre = "pre:")
  for (term in names(named)) {
    at <- strsplit(paste0(named[term], " "), ":")[[1]]
    at[2] <- trimws(at[2])
    add(case, "odds_ratio", exp(b[term, 1]), at[1], at[2])
    add(case, "odds_ratio_low", exp(b[term, 1] - qnorm(0.975) * b[term, 2]), at[1], at[2])
    add(case, "odds_ratio_high", exp(b[term, 1] + qnorm(0.975) * b[term, 2]), at[1], at[2])
    add(case, "p", b[term, 4], at[1], at[2])
  }
  scaled <- function(w) w * sum(d$pw) / sum(w)
  p <- fitted(model)
  cell <- interaction(d$stype, d$awards_level)
  rate <- tapply(d$pw * kept, cell, sum) / tapply(d$pw, cell, sum)
  plain <- ifelse(kept, d$pw / p, 0)
  weights <- list(
    propensity = scaled(plain),
    trimmed = scaled(pmin(plain, quantile(plain[kept], 0.9))),
    classes = scaled(ifelse(kept, d$pw / rate[as.character(cell)], 0)))
  for (i in seq_len(nrow(d))) {
    add(case, "propensity", p[i], "", i)
    for (method in names(weights)) add(case, paste0("weight_", method), weights[[method]][i], "", i)
  }

  # ---- the result: those with both as a domain of the whole design; the bounds over everybody, from 200 to 1000
  mean_of <- function(way, design, keep, change) {
    design$variables$change <- ifelse(is.na(change), 0, change)
    part <- design[keep, ]
    m <- svymean(~change, part)
    ci <- confint(m, df = degf(part))
    add(case, "estimate", coef(m), "", way); add(case, "se", SE(m), "", way); add(case, "df", degf(part), "", way)
    add(case, "ci_low", ci[1], "", way); add(case, "ci_high", ci[2], "", way)
  }
  change <- d$post - d$pre
  mean_of("complete", design, kept, change)
  for (method in names(weights)) {
    # the lost are in the design and outside the domain; their weight is of no matter
    samples[[case]]$response <- ifelse(kept, weights[[method]], 1)
    mean_of(method, designs(case, ~response), kept, change)
  }
  everybody <- rep(TRUE, nrow(d))
  mean_of("no_change", design, everybody, ifelse(kept, change, 0))
  mean_of("worst", design, everybody, ifelse(kept, change, 200 - d$pre))
  mean_of("best", design, everybody, ifelse(kept, change, 1000 - d$pre))
}
write.csv(do.call(rbind, rows), file.path(here, "attrition_expected.csv"), row.names = FALSE)

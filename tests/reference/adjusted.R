# Makes the expected values of tests/test_adjusted.py again, with R's survey:
#
#   Rscript tests/reference/adjusted.R
#
# Run from the root of the project.
# apt-get install r-base-core r-cran-survey
suppressPackageStartupMessages(library(survey))
here <- "tests/reference"
options(digits = 15, survey.lonely.psu = "fail")

fit_of <- function(formula, design) {
  # quasibinomial is the binomial without its warning that weighted counts are no whole numbers
  svyglm(formula, design, family = quasibinomial, control = glm.control(epsilon = 1e-14, maxit = 100))
}

# Predictive margins of the levels of `on`, with their gradients: sum(w p(level)) / sum(w) over the respondents of the
# model; the covariates are taken as they are, without a sampling error of their own.
margins <- function(fit, on) {
  data <- model.frame(fit$survey.design)
  w <- weights(fit$survey.design, "sampling")
  levels <- levels(data[[on]])
  p <- numeric(0); gradient <- NULL
  for (level in levels) {
    data[[on]] <- factor(level, levels)
    x <- model.matrix(delete.response(terms(fit)), data)
    mu <- plogis(as.numeric(x %*% coef(fit)))
    p[level] <- sum(w * mu) / sum(w)
    gradient <- rbind(gradient, colSums(w * mu * (1 - mu) * x) / sum(w))
  }
  list(p = p, gradient = gradient)
}

# One row per level of `on`, all that motivlab says of one item; `design` is the whole one.
adjusted <- function(design, item, on, given) {
  known <- complete.cases(design$variables[c(item, on, given)])
  design <- design[known, ]
  design$variables[[on]] <- droplevels(design$variables[[on]])
  out <- data.frame(item = item, level = levels(design$variables[[on]]))
  out$n <- as.numeric(table(design$variables[[on]])[out$level])
  fits <- list(
    unadjusted = fit_of(as.formula(paste(item, "~", on)), design),
    adjusted = fit_of(as.formula(paste(item, "~", paste(c(on, given), collapse = " + "))), design))
  for (name in names(fits)) {
    fit <- fits[[name]]
    m <- margins(fit, on)
    v <- vcov(fit)
    df <- fit$df.residual
    t <- qt(0.975, df)
    se <- sqrt(diag(m$gradient %*% v %*% t(m$gradient)))
    centre <- qlogis(m$p); half <- t * se / (m$p * (1 - m$p))
    differs <- sweep(m$gradient, 2, m$gradient[1, ])
    d <- m$p - m$p[1]
    d_se <- sqrt(pmax(diag(differs %*% v %*% t(differs)), 0))
    numbers <- data.frame(
      share = m$p, se = se, low = plogis(centre - half), high = plogis(centre + half),
      difference = d, difference_se = d_se, difference_low = d - t * d_se, difference_high = d + t * d_se,
      difference_p = 2 * pt(-abs(d / d_se), df), df = df)
    names(numbers) <- paste0(name, "_", names(numbers))
    out <- cbind(out, numbers)
  }
  # the same shares with the covariates as a sample of theirs: survey's own svypredmeans
  others <- fit_of(as.formula(paste(item, "~", paste(given, collapse = " + "))), design)
  own <- svypredmeans(others, as.formula(paste0("~", on)), predictat = factor(out$level, out$level))
  out$predmeans <- as.numeric(coef(own)); out$predmeans_se <- sqrt(diag(attr(own, "var")))
  rownames(out) <- NULL
  out
}

coefficients_of <- function(design, item, on, given) {
  design <- design[complete.cases(design$variables[c(item, on, given)]), ]
  fit <- fit_of(as.formula(paste(item, "~", paste(c(on, given), collapse = " + "))), design)
  b <- coef(fit); se <- sqrt(diag(vcov(fit))); df <- fit$df.residual; t <- qt(0.975, df)
  data.frame(item = item, term = names(b), estimate = as.numeric(b), se = as.numeric(se), df = df,
             p = as.numeric(2 * pt(-abs(b / se), df)), odds_ratio = as.numeric(exp(b)),
             odds_ratio_low = as.numeric(exp(b - t * se)), odds_ratio_high = as.numeric(exp(b + t * se)))
}

save <- function(x, name) write.csv(x, file.path(here, name), row.names = FALSE, na = "", quote = FALSE)
both <- function(name, design, items, on, given) {
  save(do.call(rbind, lapply(items, function(y) adjusted(design, y, on, given))), paste0(name, "_expected.csv"))
  save(do.call(rbind, lapply(items, function(y) coefficients_of(design, y, on, given))),
       paste0(name, "_coefficients_expected.csv"))
}

# ---- apistrat, apiclus1: strata, clusters, finite population correction; a category and a number as covariates
data(api)
for (name in c("apistrat", "apiclus1")) {
  d <- get(name)
  d$yes <- as.integer(d$awards == "Yes"); d$fpc1 <- d$fpc
  d$learners <- factor(ifelse(d$ell >= 20, "many", "few"), c("few", "many"))  # of English
  keep <- c(if (name == "apiclus1") "dnum", "stype", "yes", "learners", "meals", "pw", "fpc1")
  save(d[keep], paste0("adjusted_", name, ".csv"))
  for (corrected in c(FALSE, TRUE)) {
    f <- if (corrected) ~fpc1 else NULL
    # svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc1); svydesign(id = ~dnum, ...) for apiclus1
    design <- if (name == "apistrat") svydesign(id = ~1, strata = ~stype, weights = ~pw, data = d, fpc = f)
              else svydesign(id = ~dnum, weights = ~pw, data = d, fpc = f)
    both(paste0("adjusted_", name, if (corrected) "_fpc"), design, "yes", "stype", c("learners", "meals"))
  }
}

# ---- apiclus1, raked to the population; adjusted_margins.csv holds its totals, adjusted_raked.csv the data and weights
d <- apiclus1
d$yes <- as.integer(d$awards == "Yes"); d$wide <- d$sch.wide
d$learners <- factor(ifelse(d$ell >= 20, "many", "few"), c("few", "many"))
apipop$wide <- apipop$sch.wide
types <- xtabs(~stype, apipop); wides <- xtabs(~wide, apipop)
save(data.frame(variable = rep(c("stype", "wide"), c(3, 2)), level = c(names(types), names(wides)),
                total = c(types, wides)), "adjusted_margins.csv")
# rake(svydesign(id = ~dnum, weights = ~pw), list(~stype, ~wide), list(types, wides))
design <- rake(svydesign(id = ~dnum, weights = ~pw, data = d), list(~stype, ~wide), list(types, wides),
               control = list(maxit = 200, epsilon = 1e-13))
d$w <- weights(design)
save(d[c("dnum", "stype", "wide", "yes", "learners", "meals", "pw", "w")], "adjusted_raked.csv")
both("adjusted_raked", design, "yes", "stype", c("learners", "meals"))

# ---- nhanes.csv: strata and nested clusters, item non-response
d <- read.csv(file.path(here, "nhanes.csv"))
d$race <- factor(d$race); d$RIAGENDR <- factor(d$RIAGENDR)
# svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE)
design <- svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = d)
both("adjusted_nhanes", design, "HI_CHOL", "race", "RIAGENDR")
# the women of it, as a subpopulation of the whole design, who are in every stratum and cluster
d$woman <- d$RIAGENDR == "2"; d$half <- factor(ifelse(seq_len(nrow(d)) %% 2, "odd", "even"), c("odd", "even"))
design <- svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = d)
both("adjusted_women", subset(design, woman), "HI_CHOL", "race", "half")

# ---- a stratum with one cluster: options(survey.lonely.psu = )
set.seed(20211004)
d <- data.frame(h = rep(1:4, c(60, 60, 12, 68)), psu = c(rep(1:6, 10), rep(1:5, 12), rep(1, 12), rep(1:4, 17)))
d$w <- round(runif(nrow(d), 0.5, 3), 2); d$g <- sample(c("a", "b", "c"), nrow(d), TRUE); d$x <- round(rnorm(nrow(d)), 2)
d$y <- rbinom(nrow(d), 1, plogis(-0.5 + (d$g == "b") + 0.5 * d$x + 0.4 * (d$h == 3)))
d$sub <- ifelse(d$h == 2 & d$psu > 1, "no", "yes")  # a domain with a single cluster left in a stratum
save(d, "adjusted_lonely.csv")
d$g <- factor(d$g)
rows <- list()
for (rule in c("adjust", "average", "certainty", "remove")) for (part in c("", "yes")) {
  options(survey.lonely.psu = rule)
  # svydesign(id = ~psu, strata = ~h, weights = ~w, nest = TRUE)
  design <- svydesign(id = ~psu, strata = ~h, weights = ~w, nest = TRUE, data = d)
  if (part != "") design <- subset(design, sub == "yes")
  rows[[paste(rule, part)]] <- cbind(rule = rule, sub = part, adjusted(design, "y", "g", "x"))
}
save(do.call(rbind, rows), "adjusted_lonely_expected.csv")

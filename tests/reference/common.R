# What the scripts beside this one share: R's example data with 0/1 columns, the designs, and one row per number.
# reference.R sources it; `here`, `save` and library(survey) are there already.

# The columns of every long file. Empty: not available. `by` and `level` empty: the total. `item` is the probability of
# a quantile and the denominator of a ratio.
LAYOUT <- c("case", "statistic", "variable", "item", "by", "level", "n", "estimate", "se", "ci_low", "ci_high", "df",
            "deff")

# ---- data: the answers "No" and "Yes" as 0 and 1
data(api)
data(nhanes)
data(scd)
YES_NO <- c("sch.wide", "comp.imp", "both", "awards", "yr.rnd")
zero_one <- function(d) {
  for (name in YES_NO) d[[name]] <- as.integer(d[[name]] == "Yes")
  d
}
schools <- list(apistrat = zero_one(apistrat), apiclus1 = zero_one(apiclus1), apiclus2 = zero_one(apiclus2))
population <- zero_one(apipop)
# every tenth school of a stratum is one group: the clusters of a delete-a-group jackknife
schools$apistrat$group <- ave(seq_len(200), schools$apistrat$stype, FUN = seq_along) %% 10
# seven of the eleven counties of the sample begin after "L": a domain in which whole districts are empty
schools$apiclus1$county <- gsub(" ", "_", schools$apiclus1$cname)
schools$apiclus1$late <- as.integer(schools$apiclus1$county > "M")
# the best schools of two of the three strata: a domain that misses the stratum H
schools$apistrat$best <- as.integer(schools$apistrat$api00 > 700 & schools$apistrat$stype != "H")

health <- nhanes
health$agecat <- factor(c("0-19", "20-39", "40-59", "60+")[as.integer(health$agecat)])
health$race <- factor(health$race)
health$RIAGENDR <- factor(health$RIAGENDR)
scd$many <- as.integer(scd$arrests > 200)

# ---- designs
strata <- function(d, corrected) svydesign(id = ~1, strata = ~stype, weights = ~pw, data = d,
                                           fpc = if (corrected) ~fpc)
clusters <- function(d, corrected) svydesign(id = ~dnum, weights = ~pw, data = d, fpc = if (corrected) ~fpc)
# the first stage of two only
first_stage <- function(d, corrected) svydesign(id = ~dnum, weights = ~pw, data = d, fpc = if (corrected) ~fpc1)
designs <- list(
  apistrat = strata(schools$apistrat, FALSE), apistrat_fpc = strata(schools$apistrat, TRUE),
  apiclus1 = clusters(schools$apiclus1, FALSE), apiclus1_fpc = clusters(schools$apiclus1, TRUE),
  apiclus2 = first_stage(schools$apiclus2, FALSE), apiclus2_fpc = first_stage(schools$apiclus2, TRUE),
  nhanes = svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = health))

# ---- one number
# The rows of a design that `keep` marks, as a domain: subset(design, keep). A calibrated design keeps its other rows
# with weight 0, any other design drops them and keeps the numbers of clusters sampled; both are domains, not filtered
# data.
domain <- function(design, keep) design[keep & !is.na(keep), ]
answered <- function(design, variables) domain(design, stats::complete.cases(design$variables[variables]))
count <- function(design) sum(weights(design, "sampling") != 0)

# The quantile of qrule = "math": the smallest x with F(x) >= p. survey 4.1 gave the second smallest x where p is less
# than the share of the smallest; later versions give the smallest, and so does this.
smallest <- function(x, w, p) {
  first <- which(w > 0)[which.min(x[w > 0])]
  if (p <= w[first] / sum(w)) x[first] else survey:::qrule_math(x, w, p)
}

number <- function(design, statistic, variable, item = "", deff = TRUE) {
  design <- answered(design, c(variable, if (statistic == "ratio") item))
  f <- make.formula(variable)
  df <- degf(design)
  # with one cluster there is no interval, which R says by a warning
  quiet <- if (df > 0) identity else suppressWarnings
  if (statistic == "quantile") {
    # svyquantile(~x, design, 0.5). The defaults: qrule = "math", see smallest(); interval.type = "mean", Woodruff's:
    # svymean(~(x <= q), design), its confint with df = degf(design), and the quantiles at both ends, none where an end
    # is outside of 0 to 1; se = (high - low) / (2 qt(0.975, df))
    q <- quiet(svyquantile(f, design, as.numeric(item), qrule = smallest))[[1]]
    value <- q[1]; se <- q[4]; ci <- q[2:3]; effect <- NA
  } else if (statistic == "replicate_quantile") {
    # only for replicate weights: the quantile in each replicate, and their variance
    q <- svyquantile(f, design, as.numeric(item), interval.type = "quantile", qrule = smallest)[[1]]
    value <- q[1]; se <- q[4]; ci <- q[2:3]; effect <- NA
  } else {
    # a share is the mean of a 0/1 variable
    m <- switch(statistic, mean = , share = svymean(f, design, deff = if (deff) "replace" else FALSE),
                total = svytotal(f, design, deff = if (deff) "replace" else FALSE),
                ratio = svyratio(f, make.formula(item), design))
    value <- as.numeric(coef(m)); se <- as.numeric(SE(m)); ci <- as.numeric(quiet(confint(m, df = df)))
    effect <- if (deff && statistic != "ratio") as.numeric(survey::deff(m)) else NA
  }
  data.frame(statistic = statistic, variable = variable, item = item, n = count(design), estimate = value, se = se,
             ci_low = ci[1], ci_high = ci[2], df = df, deff = effect)
}

# `wanted`: one c(statistic, variable, item) a number. In the total and in each level of each `by`.
numbers <- function(case, design, wanted, by = NULL, total = TRUE, deff = TRUE) {
  part <- function(design, by, level) {
    rows <- lapply(wanted, function(w) number(design, w[1], w[2], if (length(w) > 2) w[3] else "", deff))
    cbind(case = case, by = by, level = level, do.call(rbind, rows))[LAYOUT]
  }
  rows <- if (total) list(part(design, "", ""))
  for (b in by) for (l in sort(unique(as.character(design$variables[[b]])))) {
    rows[[length(rows) + 1]] <- part(domain(design, design$variables[[b]] == l), b, l)
  }
  do.call(rbind, rows)
}

# NaN (an interval outside of 0 to 1, a design effect at 0) is written as empty, as NA is.
save_numbers <- function(rows, name) {
  rows <- if (is.data.frame(rows)) rows else do.call(rbind, rows)
  for (column in names(rows)) if (is.numeric(rows[[column]])) rows[[column]][!is.finite(rows[[column]])] <- NA
  save(rows, name)
}

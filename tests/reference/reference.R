# Makes the expected values in this folder again, with R's survey:
#
#   Rscript tests/reference/reference.R [FOLDER WITH shed2021.csv.gz]
#
# Run from the root of the project. Without the folder, shed_expected.csv is left as it is.
# apt-get install r-base-core r-cran-survey
suppressPackageStartupMessages(library(survey))
here <- "tests/reference"
options(digits = 15)

# One row: the share of `y` in a design (already subset), in every number that motivlab gives.
share <- function(design, y) {
  design <- design[!is.na(design$variables[[y]]), ]
  f <- as.formula(paste0("~", y))
  m <- svymean(f, design, deff = "replace")
  p <- as.numeric(coef(m))
  inside <- p > 0 && p < 1
  ci <- function(method) {
    if (!inside) return(c(NA, NA))
    as.numeric(attr(svyciprop(f, design, method = method), "ci"))
  }
  beta <- ci("beta"); logit <- ci("logit")
  data.frame(n = nrow(design), estimate = p, se = as.numeric(SE(m)), beta_low = beta[1], beta_high = beta[2],
             logit_low = logit[1], logit_high = logit[2], df = degf(design),
             deff = if (inside) as.numeric(deff(m)) else NA)
}

# All items over the total and each level of each `by`.
shares <- function(design, items, by) {
  rows <- list()
  for (item in items) {
    rows[[length(rows) + 1]] <- cbind(item = item, by = "", level = "", share(design, item))
    for (b in by) for (l in sort(unique(design$variables[[b]]))) {
      part <- design[design$variables[[b]] == l, ]
      rows[[length(rows) + 1]] <- cbind(item = item, by = b, level = as.character(l), share(part, item))
    }
  }
  do.call(rbind, rows)
}

save <- function(x, name) write.csv(x, file.path(here, name), row.names = FALSE, na = "", quote = FALSE)

# ---- apistrat, apiclus1, apiclus2 (first stage): strata, clusters, finite population correction
data(api)
for (name in c("apistrat", "apiclus1")) {
  d <- get(name)
  d$yes <- as.integer(d$awards == "Yes"); d$target <- as.integer(d$sch.wide == "Yes")
  d$fpc1 <- d$fpc
  keep <- c(if (name == "apistrat") "stype" else c("dnum", "stype"), "yes", "target", "pw", "fpc1")
  save(d[keep], paste0(name, ".csv"))
  for (corrected in c(FALSE, TRUE)) {
    f <- if (corrected) ~fpc1 else NULL
    # svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc1); svydesign(id = ~dnum, ...) for apiclus1
    design <- if (name == "apistrat") svydesign(id = ~1, strata = ~stype, weights = ~pw, data = d, fpc = f)
              else svydesign(id = ~dnum, weights = ~pw, data = d, fpc = f)
    save(shares(design, c("yes", "target"), "stype"), paste0(name, if (corrected) "_fpc" else "", "_expected.csv"))
  }
}

# ---- nhanes: strata and nested clusters, item non-response
data(nhanes)
d <- nhanes
save(d[c("SDMVSTRA", "SDMVPSU", "WTMEC2YR", "HI_CHOL", "race", "RIAGENDR")], "nhanes.csv")
# svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE)
design <- svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = d)
save(shares(design, "HI_CHOL", c("race", "RIAGENDR")), "nhanes_expected.csv")

# ---- a stratum with one cluster, and a domain that misses a stratum: options(survey.lonely.psu = )
d <- data.frame(
  h = c(1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3), psu = c(1, 1, 2, 2, 3, 3, 1, 1, 1, 1, 1, 2, 2),
  w = c(1.5, 2, 1, 2.5, 3, 1, 2, 2, 1, 1, 1.2, 0.8, 2), y = c(1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1),
  g = c("a", "b", "a", "b", "a", "b", "a", "a", "b", "b", "b", "b", "b"))
save(d, "lonely.csv")
rows <- list()
for (rule in c("adjust", "average", "certainty", "remove")) {
  options(survey.lonely.psu = rule)
  design <- svydesign(id = ~psu, strata = ~h, weights = ~w, nest = TRUE, data = d)
  rows[[rule]] <- cbind(rule = rule, shares(design, "y", "g"))
}
options(survey.lonely.psu = "fail")
save(do.call(rbind, rows), "lonely_expected.csv")

# ---- everything else, one script a subject: numbers_expected.csv, domains_expected.csv, calibrated_expected.csv,
# replicates_expected.csv, tests_expected.csv, contrasts_expected.csv, covariance_expected.csv, margins_expected.csv and
# glm_expected.csv, with the data, weights and margins beside them. published_pairs.csv is copied from its sources by hand.
for (part in c("common", "numbers", "domains", "calibrated", "replicates", "tests", "contrasts", "margins", "glm")) {
  source(file.path(here, paste0(part, ".R")))
}

# ---- the Survey of Household Economics and Decisionmaking 2021; its data are not part of the project
folder <- commandArgs(trailingOnly = TRUE)
if (length(folder)) {
  d <- read.csv(file.path(folder, "shed2021.csv.gz"))
  items <- paste0("E9_", letters[1:6])
  # svydesign(id = ~1, weights = ~weight)
  design <- svydesign(id = ~1, weights = ~weight, data = d)
  asked <- shares(subset(design, E7 == 1), items, c("ppgender", "ppagecat"))
  for (item in items) d[[item]] <- ifelse(is.na(d[[item]]), 0, d[[item]])
  all <- shares(svydesign(id = ~1, weights = ~weight, data = d), items, c("ppgender", "ppagecat"))
  d$okay <- as.integer(d$B2 >= 3)
  okay <- shares(svydesign(id = ~1, weights = ~weight, data = d), "okay", "ppeducat")
  save(rbind(cbind(base = "asked", asked), cbind(base = "all", all), cbind(base = "asked", okay)), "shed_expected.csv")
}

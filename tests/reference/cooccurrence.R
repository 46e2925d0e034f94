# Makes the expected values of tests/test_cooccurrence.py again, with R's survey:
#
#   Rscript tests/reference/cooccurrence.R
#
# Run from the root of the project. It reads api_apistrat.csv and api_apiclus1.csv, the data of package survey with "No"
# and "Yes" as 0 and 1, and takes five columns as one multiple response question.
# cooccurrence_expected.csv: choices, pairs, exact combinations, those named by few put together, number of choices.
# cooccurrence_pairs_expected.csv: pairs against independence.
suppressPackageStartupMessages(library(survey))
here <- "tests/reference"
options(digits = 15)
CHOICES <- c("sch.wide", "comp.imp", "both", "awards", "yr.rnd")

read <- function(name) {
  d <- read.csv(file.path(here, paste0("api_", name, ".csv")))
  d$number <- rowSums(d[CHOICES])
  d$set <- apply(d[CHOICES] == 1, 1, function(hit) paste(CHOICES[hit], collapse = " + "))
  d$any <- d$number > 0
  d
}
stratified <- read("apistrat"); clustered <- read("apiclus1")
designs <- list(
  apistrat = svydesign(id = ~1, strata = ~stype, weights = ~pw, data = stratified),
  apistrat_fpc = svydesign(id = ~1, strata = ~stype, weights = ~pw, data = stratified, fpc = ~fpc),
  apiclus1 = svydesign(id = ~dnum, weights = ~pw, data = clustered),
  apiclus1_fpc = svydesign(id = ~dnum, weights = ~pw, data = clustered, fpc = ~fpc))
# subpopulations, as domains
designs$apistrat_any <- subset(designs$apistrat, any)
designs$apiclus1_any <- subset(designs$apiclus1, any)
designs$apistrat_E <- subset(designs$apistrat, stype == "E")
designs$apiclus1_E <- subset(designs$apiclus1, stype == "E")

# One row: the share of those of whom `y` is TRUE, with svyciprop's interval.
share <- function(case, part, item, design, y) {
  design <- update(design, y = as.numeric(y))
  m <- svymean(~y, design, deff = "replace")
  inside <- coef(m) > 0 && coef(m) < 1
  ci <- if (inside) as.numeric(attr(svyciprop(~y, design, method = "beta"), "ci")) else c(NA, NA)
  data.frame(case = case, part = part, item = item, n = nrow(design), k = sum(y), estimate = as.numeric(coef(m)),
             se = as.numeric(SE(m)), ci_low = ci[1], ci_high = ci[2], df = degf(design),
             deff = if (inside) as.numeric(deff(m)) else NA)
}

mean_number <- function(case, design) {
  m <- svymean(~number, design, deff = "replace")
  ci <- as.numeric(confint(m, df = degf(design)))
  n <- nrow(design)
  data.frame(case = case, part = "mean", item = "mean", n = n, k = n, estimate = as.numeric(coef(m)),
             se = as.numeric(SE(m)), ci_low = ci[1], ci_high = ci[2], df = degf(design), deff = as.numeric(deff(m)))
}

# m <- svymean(~pij + pi + pj, design): the share of the product, and both shares
pair <- function(case, a, b, design) {
  v <- design$variables
  design <- update(design, pij = v[[a]] * v[[b]], pi_ = v[[a]], pj = v[[b]])
  m <- svymean(~pij + pi_ + pj, design)
  df <- degf(design)
  ratio <- as.numeric(coef(svycontrast(m, quote(pij / (pi_ * pj)))))
  difference <- svycontrast(m, quote(pij - pi_ * pj))
  d <- as.numeric(coef(difference)); d_se <- as.numeric(SE(difference))
  none <- coef(m)[["pij"]] == 0
  logarithm <- if (none) NULL else svycontrast(m, quote(log(pij / (pi_ * pj))))
  l <- if (none) NA else as.numeric(coef(logarithm)); l_se <- if (none) NA else as.numeric(SE(logarithm))
  data.frame(case = case, item = paste(a, b, sep = " + "), expected = coef(m)[["pi_"]] * coef(m)[["pj"]],
             ratio = ratio, ratio_low = exp(l - qt(0.975, df) * l_se), ratio_high = exp(l + qt(0.975, df) * l_se),
             difference = d, difference_se = d_se, difference_low = d - qt(0.975, df) * d_se,
             difference_high = d + qt(0.975, df) * d_se, t = l / l_se, p = 2 * pt(-abs(l / l_se), df), row.names = NULL)
}

rows <- list(); pairs <- list()
add <- function(row) rows[[length(rows) + 1]] <<- row
for (case in names(designs)) {
  design <- designs[[case]]
  v <- design$variables
  add(mean_number(case, design))
  for (choice in CHOICES) add(share(case, "choice", choice, design, v[[choice]] == 1))
  for (k in sort(unique(v$number))) add(share(case, "number", as.character(k), design, v$number == k))
  sets <- table(v$set)
  for (set in names(sets)) add(share(case, "combination", if (set == "") "(none)" else set, design, v$set == set))
  # what fewer than 20 named, put together
  few <- setdiff(names(sets)[sets < 20], "")
  add(share(case, "merged", "(other)", design, v$set %in% few))
  for (ab in combn(CHOICES, 2, simplify = FALSE)) {
    add(share(case, "pair", paste(ab, collapse = " + "), design, v[[ab[1]]] == 1 & v[[ab[2]]] == 1))
    pairs[[length(pairs) + 1]] <- pair(case, ab[1], ab[2], design)
  }
}
of_case <- do.call(rbind, pairs)
of_case$p_adjusted <- ave(of_case$p, of_case$case, FUN = function(p) p.adjust(p, "holm"))
save <- function(x, name) {
  for (column in names(x)) if (is.numeric(x[[column]])) x[[column]][!is.finite(x[[column]])] <- NA
  write.csv(x, file.path(here, name), row.names = FALSE, na = "", quote = FALSE)
}
save(do.call(rbind, rows), "cooccurrence_expected.csv")
save(of_case, "cooccurrence_pairs_expected.csv")

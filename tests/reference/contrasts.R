# contrasts_expected.csv: differences and ratios of the shares (means) of groups, and differences of items answered by
# the same people.
# covariance_expected.csv: the covariances of several items in several groups.
# `level` is compared with `reference`: estimate = level - reference, or level / reference.
one <- function(case, statistic, variable, by, level, reference, n, estimate, se, df) {
  half <- se * qt(0.975, df)
  # the interval of a ratio is that of its logarithm, taken back
  none <- statistic == "risk_ratio"
  data.frame(case = case, statistic = statistic, variable = variable, item = "", by = by, level = level, n = n,
             estimate = estimate, se = se, ci_low = if (none) NA else estimate - half,
             ci_high = if (none) NA else estimate + half, df = df, deff = NA, reference = reference)
}
# The means of the groups with their covariances: svyby(~awards, ~stype, design, svymean, covmat = TRUE). That call of
# survey 4.1 fails for a calibrated design, so there the same is put together by hand: the influence functions of the
# means, and the variance of their totals. Its covariances are those of svyglm(awards ~ stype - 1, design).
group_means <- function(design, items, by) {
  if (is.null(design$postStrata)) {
    return(svyby(make.formula(items), make.formula(by), design, svymean, covmat = TRUE))
  }
  levels <- sort(unique(as.character(design$variables[[by]])))
  means <- lapply(levels, function(l)
    svymean(make.formula(items), domain(design, design$variables[[by]] == l), influence = TRUE))
  # in the order of svyby: all groups of the first item, then of the second
  order <- as.vector(t(matrix(seq_len(length(items) * length(levels)), nrow = length(items))))
  m <- unlist(lapply(means, coef))[order]
  names(m) <- if (length(items) > 1) as.vector(outer(levels, items, paste, sep = ":")) else levels
  influence <- do.call(cbind, lapply(means, attr, "influence"))[, order]
  attr(m, "var") <- unname(vcov(svytotal(influence / weights(design), design)))
  dimnames(attr(m, "var")) <- list(names(m), names(m))
  class(m) <- "svystat"
  m
}

value <- function(x) as.numeric(coef(x))
error <- function(x) as.numeric(SE(x))

between_groups <- function(case, design, variable, by) {
  design <- answered(design, c(variable, by))
  groups <- sort(unique(as.character(design$variables[[by]])))
  counts <- table(as.character(design$variables[[by]])[weights(design, "sampling") != 0])
  m <- group_means(design, variable, by)
  rows <- list()
  for (pair in combn(groups, 2, simplify = FALSE)) {
    a <- pair[2]; b <- pair[1]
    n <- sum(counts[pair])
    # svycontrast(m, c(E = -1, H = 1))
    difference <- svycontrast(m, setNames(c(1, -1), c(a, b)))
    rows[[length(rows) + 1]] <- one(case, "difference", variable, by, a, b, n, value(difference), error(difference),
                                    degf(design))
    # svycontrast(m, quote(`H` / `E`)), svycontrast(m, quote(log(`H` / `E`)))
    ratio <- svycontrast(m, bquote(.(as.name(a)) / .(as.name(b))))
    logarithm <- svycontrast(m, bquote(log(.(as.name(a)) / .(as.name(b)))))
    rows[[length(rows) + 1]] <- one(case, "risk_ratio", variable, by, a, b, n, value(ratio), error(ratio), degf(design))
    rows[[length(rows) + 1]] <- one(case, "log_risk_ratio", variable, by, a, b, n, value(logarithm), error(logarithm),
                                    degf(design))
  }
  do.call(rbind, rows)
}

between_items <- function(case, design, items, by) {
  part <- function(design, by, level) {
    # svymean(~awards + comp.imp, design), svycontrast(m, c(awards = 1, comp.imp = -1)): `variable` - `item`
    m <- svymean(make.formula(items), design)
    difference <- svycontrast(m, setNames(c(1, -1), items))
    row <- one(case, "item_difference", items[1], by, level, "", count(design), value(difference), error(difference),
               degf(design))
    row$item <- items[2]
    row
  }
  rows <- list(part(design, "", ""))
  for (l in sort(unique(as.character(design$variables[[by]])))) {
    rows[[length(rows) + 1]] <- part(domain(design, design$variables[[by]] == l), by, l)
  }
  do.call(rbind, rows)
}

covariances <- function(case, design, items, by) {
  # vcov(svyby(~awards + comp.imp, ~stype, design, svymean, covmat = TRUE)), named "E:awards"
  v <- vcov(group_means(design, items, by))
  names <- strsplit(rownames(v), ":")
  level <- sapply(names, `[`, 1); item <- sapply(names, `[`, 2)
  k <- nrow(v)
  data.frame(case = case, by = by, item_a = rep(item, each = k), level_a = rep(level, each = k), item_b = rep(item, k),
             level_b = rep(level, k), covariance = as.vector(v))
}

rows <- list(); shared <- list()
of_schools <- list(
  apistrat = designs$apistrat, apistrat_fpc = designs$apistrat_fpc, apiclus1 = designs$apiclus1,
  apiclus1_fpc = designs$apiclus1_fpc, apistrat_rake = calibrated$apistrat_rake,
  apiclus1_greg_api99 = calibrated$apiclus1_greg_api99, apiclus1_jk1 = replicated$apiclus1_jk1)
for (case in names(of_schools)) {
  design <- of_schools[[case]]
  for (variable in c("awards", "comp.imp", "both", "api00")) {
    rows[[length(rows) + 1]] <- between_groups(case, design, variable, "stype")
  }
  for (items in list(c("awards", "comp.imp"), c("sch.wide", "comp.imp"))) {
    rows[[length(rows) + 1]] <- between_items(case, design, items, "stype")
  }
  shared[[case]] <- covariances(case, design, c("awards", "comp.imp", "sch.wide"), "stype")
}
for (by in c("race", "RIAGENDR", "agecat")) {
  rows[[length(rows) + 1]] <- between_groups("nhanes", designs$nhanes, "HI_CHOL", by)
}
save_numbers(rows, "contrasts_expected.csv")
save_numbers(shared, "covariance_expected.csv")

# Makes the expected values of tests/test_outcomes.py again, with base R:
#
#   Rscript tests/reference/outcomes.R
#
# Run from the root of the project. It reads outcomes_groups.csv: sets of groups with their n and k.
# outcomes_intervals_expected.csv: Wilson and Clopper-Pearson intervals of each group.
# outcomes_tests_expected.csv: one test per set. outcomes_differences_expected.csv: pairs of groups.
# outcomes_funnel_expected.csv: control limits. outcomes_pooled_expected.csv: beta-binomial empirical Bayes.
here <- "tests/reference"
options(digits = 15)
groups <- read.csv(file.path(here, "outcomes_groups.csv"))
save <- function(x, name) {
  for (column in names(x)) if (is.numeric(x[[column]])) x[[column]][!is.finite(x[[column]])] <- NA
  write.csv(x, file.path(here, name), row.names = FALSE, na = "", quote = FALSE)
}
each <- function(rows, f) do.call(rbind, lapply(seq_len(nrow(rows)), function(i) f(rows[i, ])))
quiet <- suppressWarnings  # chisq.test and prop.test warn where counts are small

wilson <- function(k, n, level = 0.95) as.numeric(quiet(prop.test(k, n, correct = FALSE, conf.level = level))$conf.int)

save(each(groups, function(g) {
  w <- wilson(g$k, g$n); cp <- as.numeric(binom.test(g$k, g$n)$conf.int)
  data.frame(g, wilson_low = w[1], wilson_high = w[2], cp_low = cp[1], cp_high = cp[2])
}), "outcomes_intervals_expected.csv")

# chi2: chisq.test(cbind(k, n - k), correct = FALSE); exact: fisher.test of the same table, where it is small enough
save(do.call(rbind, lapply(split(groups, factor(groups$set, unique(groups$set))), function(g) {
  x <- cbind(g$k, g$n - g$k)
  chi2 <- quiet(chisq.test(x, correct = FALSE))
  exact <- if (sum(g$n) < 200) fisher.test(x, workspace = 2e7)$p.value else NA
  data.frame(set = g$set[1], smallest = min(chi2$expected), statistic = as.numeric(chi2$statistic),
             df = as.numeric(chi2$parameter), p = chi2$p.value, exact = exact)
})), "outcomes_tests_expected.csv")

# Newcombe's method 10 from the Wilson bounds of prop.test; prop.test(c(k1, k2), c(n1, n2), correct = FALSE)
newcombe <- function(k1, n1, k2, n2, level = 0.95) {
  a <- wilson(k1, n1, level); b <- wilson(k2, n2, level); p <- k1 / n1; q <- k2 / n2
  c(p - q - sqrt((p - a[1])^2 + (b[2] - q)^2), p - q + sqrt((a[2] - p)^2 + (q - b[1])^2))
}
pairs <- do.call(rbind, lapply(split(groups, factor(groups$set, unique(groups$set))), function(g) {
  ij <- t(combn(nrow(g), 2))
  data.frame(k1 = g$k[ij[, 1]], n1 = g$n[ij[, 1]], k2 = g$k[ij[, 2]], n2 = g$n[ij[, 2]])
}))
save(each(pairs, function(d) {
  ci <- newcombe(d$k1, d$n1, d$k2, d$n2); x <- rbind(c(d$k1, d$n1 - d$k1), c(d$k2, d$n2 - d$k2))
  expected <- min(outer(rowSums(x), colSums(x)) / sum(x))
  data.frame(d, estimate = d$k1 / d$n1 - d$k2 / d$n2, low = ci[1], high = ci[2], smallest = expected,
             chi2 = quiet(prop.test(c(d$k1, d$k2), c(d$n1, d$n2), correct = FALSE))$p.value,
             exact = fisher.test(x)$p.value)
}), "outcomes_differences_expected.csv")

# Spiegelhalter (2005), appendix A.1.1: r is the smallest number with pbinom(r, n, p0) > a, and the limit is
# (r - (pbinom(r) - a) / dbinom(r)) / n. The upper limit is that of the failures.
lower <- function(n, p0, level) {
  a <- (1 - level) / 2
  r <- qbinom(a, n, p0)
  if (pbinom(r, n, p0) <= a) r <- r + 1
  max(0, (r - (pbinom(r, n, p0) - a) / (pbinom(r, n, p0) - pbinom(r - 1, n, p0))) / n)
}
cases <- expand.grid(n = c(1, 5, 18, 33, 59, 119, 238, 1200), p0 = c(0.02, 0.3, 0.55, 0.97), level = c(0.95, 0.998))
save(each(cases, function(x) {
  data.frame(x, low = lower(x$n, x$p0, x$level), high = 1 - lower(x$n, 1 - x$p0, x$level),
             # twice the smaller tail at a tenth more than expected
             k = k <- min(x$n, ceiling(x$n * x$p0 * 1.1)),
             p = min(1, 2 * min(pbinom(k, x$n, x$p0), pbinom(k - 1, x$n, x$p0, lower.tail = FALSE))))
}), "outcomes_funnel_expected.csv")

# optim(c(qlogis(k / n), 3), function(x) -sum(lchoose(n, k) + lbeta(k + a, n - k + b) - lbeta(a, b)), a + b = exp(x[2]))
pooled <- function(g) {
  loss <- function(x) {
    mu <- plogis(x[1]); m <- exp(x[2]); a <- mu * m; b <- (1 - mu) * m
    -sum(lbeta(g$k + a, g$n - g$k + b) - lbeta(a, b))
  }
  best <- optim(c(qlogis(sum(g$k) / sum(g$n)), 3), loss, method = "BFGS", control = list(reltol = 1e-15, maxit = 1000))
  mu <- plogis(best$par[1]); m <- exp(best$par[2])
  post <- (g$k + m * mu) / (g$n + m)
  v <- 1 / sum(1 / (mu * (1 - mu) * (g$n + m) / (g$n * (m + 1))))
  variance <- post * (1 - post) / (g$n + m + 1) + (m / (g$n + m))^2 * v
  worth <- post * (1 - post) / variance - 1
  data.frame(g, alpha = mu * m, beta = (1 - mu) * m, mean = post, low = qbeta(0.025, post * worth, (1 - post) * worth),
             high = qbeta(0.975, post * worth, (1 - post) * worth),
             # how much likelier than one rate of all
             gain = -best$value - (sum(g$k) * log(sum(g$k) / sum(g$n)) +
                                   sum(g$n - g$k) * log(1 - sum(g$k) / sum(g$n))))
}
save(do.call(rbind, lapply(c("providers", "small", "apart"), function(s) pooled(groups[groups$set == s, ]))),
     "outcomes_pooled_expected.csv")

# Makes gains_data.csv and gains_expected.csv again, for tests/test_scales.py and tests/test_gains.py:
#
#   Rscript tests/reference/gains.R
#
# Run from the root of the project. apt-get install r-base-core r-cran-survey r-cran-lme4
# The answers are made here. Of gains_expected.csv each row is one number, and `call` the R call that gives it.
suppressMessages({library(survey); library(lme4)})
here <- "tests/reference"
set.seed(20240501)
n <- 160
u <- rnorm(n)
likert <- function(x) pmin(5, pmax(1, round(3 + x)))
d <- data.frame(id = seq_len(n), pre = likert(u + rnorm(n)), post = likert(u + 0.5 + rnorm(n)),
                then = likert(u - 0.4 + rnorm(n)), yes_pre = as.integer(u + rnorm(n) > 0.3),
                yes_post = as.integer(u + rnorm(n) > -0.3), yes_later = as.integer(u + rnorm(n) > -0.2))
for (i in 1:5) d[[paste0("a", i)]] <- pmin(5, pmax(0, round(2.5 + 0.2 * i * u + rnorm(n))))
d$later <- likert(u + 0.3 + rnorm(n))
d$s1 <- round(50 + 10 * u + rnorm(n, 0, 8), 1); d$s2 <- round(54 + 10 * u + rnorm(n, 0, 8), 1)
d$s3 <- round(53 + 10 * u + rnorm(n, 0, 8), 1)
d$group <- sample(c("in", "out"), n, TRUE, c(0.7, 0.3)); d$sex <- sample(c("f", "m"), n, TRUE)
d$w <- round(runif(n, 0.5, 3), 3); d$h <- rep(1:2, each = n / 2); d$c <- rep(seq_len(n / 5), each = 5)
for (v in c("post", "pre", "yes_post", "s2", "s3")) d[[v]][sample(n, 12)] <- NA
write.csv(d, file.path(here, "gains_data.csv"), row.names = FALSE, na = "", quote = FALSE)

rows <- list()
put <- function(case, name, value, call) {
  rows[[length(rows) + 1]] <<- data.frame(case = case, name = name, value = as.numeric(value), call = call)
}
p <- d[complete.cases(d[c("pre", "post")]), ]

# ---- paired
t <- t.test(p$post, p$pre, paired = TRUE)
for (x in list(c("estimate", t$estimate), c("t", t$statistic), c("df", t$parameter), c("p", t$p.value),
               c("ci_low", t$conf.int[1]), c("ci_high", t$conf.int[2]))) {
  put("paired", x[1], x[2], "t.test(post, pre, paired = TRUE)")
}
bound <- function(share) uniroot(function(ncp) pt(t$statistic, t$parameter, ncp) - share, c(-10, 20), tol = 1e-12)$root
call <- "uniroot(function(ncp) pt(t, df, ncp) - share) / sqrt(n)"
put("paired", "d_z", mean(p$post - p$pre) / sd(p$post - p$pre), "mean(post - pre) / sd(post - pre)")
put("paired", "d_z_low", bound(0.975) / sqrt(nrow(p)), call)
put("paired", "d_z_high", bound(0.025) / sqrt(nrow(p)), call)
# statpsych::ci.stdmean.ps, its first row, by hand
stdmean <- function(x, y) {
  s <- sqrt((var(x) + var(y)) / 2); e <- (mean(x) - mean(y)) / s; df <- length(x) - 1
  se <- sqrt(e^2 * (var(x)^2 + var(y)^2 + 2 * cor(x, y)^2 * var(x) * var(y)) / (8 * df * s^4) + var(x - y) / (df * s^2))
  e + c(0, -1, 1) * qnorm(0.975) * se
}
e <- stdmean(p$post, p$pre)
for (i in 1:3) put("paired", c("d_av", "d_av_low", "d_av_high")[i], e[i], "ci.stdmean.ps by hand")
# exact = FALSE: there are ties; V is the rank sum of the increases
w <- wilcox.test(p$post, p$pre, paired = TRUE, exact = FALSE)
dif <- (p$post - p$pre)[p$post != p$pre]; total <- length(dif) * (length(dif) + 1) / 2
put("paired", "w", min(w$statistic, total - w$statistic), "wilcox.test(post, pre, paired = TRUE, exact = FALSE)")
put("paired", "p_wilcoxon", w$p.value, "wilcox.test(post, pre, paired = TRUE, exact = FALSE)")
put("paired", "rank_biserial", 2 * w$statistic / total - 1, "2 V / (n (n + 1) / 2) - 1")

# ---- 0/1
y <- d[complete.cases(d[c("yes_pre", "yes_post")]), ]
b <- sum(y$yes_pre == 1 & y$yes_post == 0); g <- sum(y$yes_pre == 0 & y$yes_post == 1)
put("binary", "b", b, "sum(pre == 1 & post == 0)"); put("binary", "c", g, "sum(pre == 0 & post == 1)")
put("binary", "p_mcnemar", binom.test(g, b + g)$p.value, "binom.test(c, b + c)")
put("binary", "estimate", mean(y$yes_post - y$yes_pre), "mean(post - pre)")
p1 <- (b + 1) / (nrow(y) + 2); p2 <- (g + 1) / (nrow(y) + 2)
half <- qnorm(0.975) * sqrt((p1 + p2 - (p2 - p1)^2) / (nrow(y) + 2))
put("binary", "ci_low", p2 - p1 - half, "ci.prop.ps by hand"); put("binary", "ci_high", p2 - p1 + half, "ci.prop.ps by hand")

# ---- three occasions
f <- d[complete.cases(d[c("pre", "post", "later")]), c("pre", "post", "later")]
ft <- friedman.test(as.matrix(f))
put("friedman", "statistic", ft$statistic, "friedman.test(cbind(pre, post, later))")
put("friedman", "p", ft$p.value, "friedman.test(cbind(pre, post, later))")
# Cochran's Q is McNemar's for more than two: mantelhaen.test of person as stratum gives it
q <- d[complete.cases(d[c("yes_pre", "yes_post", "yes_later")]), c("yes_pre", "yes_post", "yes_later")]
long <- data.frame(id = factor(rep(seq_len(nrow(q)), 3)), occ = factor(rep(1:3, each = nrow(q))), y = factor(unlist(q)))
mh <- mantelhaen.test(long$occ, long$y, long$id)
put("cochran_q", "statistic", mh$statistic, "mantelhaen.test(occasion, y, person)")
put("cochran_q", "p", mh$p.value, "mantelhaen.test(occasion, y, person)")
long <- data.frame(id = factor(rep(d$id, 3)), occ = factor(rep(1:3, each = n)), y = c(d$s1, d$s2, d$s3))
m <- lmer(y ~ 0 + occ + (1 | id), long, control = lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12)))
L <- rbind(c(-1, 1, 0), c(0, -1, 1)); gap <- L %*% fixef(m)
put("mixed", "statistic", t(gap) %*% solve(L %*% as.matrix(vcov(m)) %*% t(L), gap), "lmer(y ~ 0 + occ + (1 | id)), Wald")
for (i in 1:3) put("mixed", paste0("mean_", i), fixef(m)[i], "fixef(lmer(y ~ 0 + occ + (1 | id)))")

# ---- with a design
d$change <- d$post - d$pre; d$rd <- d$yes_post - d$yes_pre
designs <- list(weighted = svydesign(id = ~1, weights = ~w, data = d),
                stratified = svydesign(id = ~1, strata = ~h, weights = ~w, data = d),
                clustered = svydesign(id = ~c, strata = ~h, weights = ~w, data = d))
for (case in names(designs)) for (v in c("change", "rd")) for (l in c("", "f", "m")) {
  s <- designs[[case]]
  s <- s[!is.na(s$variables[[v]]) & (l == "" | s$variables$sex == l), ]
  m <- svymean(make.formula(v), s)
  key <- paste(case, v, l, sep = "/"); call <- "svymean(~I(post - pre), subset(design, paired & domain)), degf"
  put(key, "estimate", coef(m), call); put(key, "se", SE(m), call); put(key, "df", degf(s), call)
  put(key, "sd_change", sqrt(coef(svyvar(make.formula(v), s))), "sqrt(svyvar(~change, design))")
  # svyby(~change, ~group, design, svymean, covmat = TRUE), svycontrast(., c(1, -1))
  k <- svycontrast(svyby(make.formula(v), ~group, s, svymean, covmat = TRUE), c(1, -1))
  call <- "svycontrast(svyby(~change, ~group, design, svymean, covmat = TRUE), c(1, -1))"
  put(key, "difference", coef(k), call); put(key, "difference_se", SE(k), call)
}
wt <- t.test(change ~ group, d)
put("welch", "difference", wt$estimate[1] - wt$estimate[2], "t.test(change ~ group)")
put("welch", "df", wt$parameter, "t.test(change ~ group)"); put("welch", "p", wt$p.value, "t.test(change ~ group)")
put("welch", "ci_low", wt$conf.int[1], "t.test(change ~ group)")

# ---- reliability
a <- as.matrix(d[paste0("a", 1:5)]); k <- ncol(a)
alpha <- function(x) ncol(x) / (ncol(x) - 1) * (1 - sum(diag(cov(x))) / sum(cov(x)))
put("reliability", "alpha", alpha(a), "k / (k - 1) (1 - sum of variances / variance of the sum)")
put("reliability", "alpha_low", 1 - (1 - alpha(a)) * qf(0.975, n - 1, (n - 1) * (k - 1)), "Feldt: qf(.975, n-1, (n-1)(k-1))")
put("reliability", "alpha_high", 1 - (1 - alpha(a)) * qf(0.025, n - 1, (n - 1) * (k - 1)), "Feldt: qf(.025, n-1, (n-1)(k-1))")
for (i in 1:k) {
  put("reliability", paste0("item_rest_", i), cor(a[, i], rowSums(a[, -i])), "cor(item, rowSums(others))")
  put("reliability", paste0("alpha_if_dropped_", i), alpha(a[, -i]), "alpha(items[, -i])")
}
fa <- factanal(a, 1, control = list(opt = list(factr = 1e-3)))
sd <- apply(a, 2, sd); l <- as.vector(fa$loadings) * sd; l <- l * sign(sum(l)); psi <- fa$uniquenesses * sd^2
omega <- function(theta) sum(theta[1:k])^2 / (sum(theta[1:k])^2 + sum(theta[-(1:k)]))
put("reliability", "omega", omega(c(l, psi)), "factanal(items, 1), (sum l)^2 / ((sum l)^2 + sum psi)")
# the standard error from the likelihood's second derivatives at the model's own covariance matrix, where they are
# what is expected of them
sigma <- l %*% t(l) + diag(psi)
minus <- function(theta) {
  s <- theta[1:k] %*% t(theta[1:k]) + diag(theta[-(1:k)])
  (n - 1) / 2 * (as.numeric(determinant(s)$modulus) + sum(diag(solve(s, sigma))))
}
H <- optimHess(c(l, psi), minus, control = list(ndeps = rep(1e-4, 2 * k)))
grad <- sapply(1:(2 * k), function(i) { h <- rep(0, 2 * k); h[i] <- 1e-6
  (omega(c(l, psi) + h) - omega(c(l, psi) - h)) / 2e-6 })
se <- sqrt(as.numeric(t(grad) %*% solve(H, grad))); o <- omega(c(l, psi))
put("reliability", "omega_low", plogis(qlogis(o) - qnorm(0.975) * se / (o * (1 - o))), "delta method, optimHess, logit")
put("reliability", "omega_high", plogis(qlogis(o) + qnorm(0.975) * se / (o * (1 - o))), "delta method, optimHess, logit")

out <- do.call(rbind, rows)
out$value <- format(out$value, digits = 15, trim = TRUE)
write.csv(out, file.path(here, "gains_expected.csv"), row.names = FALSE)

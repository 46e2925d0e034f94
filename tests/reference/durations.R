# Makes the expected values of tests/test_durations.py again, with R's survival:
#
#   Rscript tests/reference/durations.R
#
# Run from the root of the project.
# apt-get install r-base-core r-cran-survival
suppressPackageStartupMessages(library(survival))
here <- "tests/reference"
options(digits = 15)
save <- function(x, name) write.csv(x, file.path(here, name), row.names = FALSE, na = "", quote = FALSE)

# ---- data: survival's own, and one made of ties: outcomes and censoring on the same day, day 0, a curve that is flat
# at exactly a half between two days and to the end, one that reaches 1, groups without an outcome
ties <- data.frame(
  day = c(3, 3, 7, 7, 7, 12, 12, 20,  5, 5, 9, 9,  4, 4, 8, 8,  0, 0, 2, 2, 6, 6, 6,  6, 10, 15,  1, 2),
  event = c(1, 0, 1, 1, 0, 1, 0, 1,  1, 1, 1, 1,  1, 1, 0, 0,  1, 0, 1, 1, 1, 0, 0,  0, 0, 0,  0, 0),
  group = rep(c("mixed", "half", "flat", "zero", "late", "early"), c(8, 4, 4, 7, 3, 2)))
data <- list(
  lung = data.frame(day = lung$time, event = as.integer(lung$status == 2), group = c("m", "f")[lung$sex]),
  veteran = data.frame(day = veteran$time, event = veteran$status, group = veteran$celltype),
  ties = ties,
  later = subset(ties, group != "zero"))  # nobody of "early" is at risk when the first outcome comes
save(do.call(rbind, lapply(names(data), function(name) cbind(case = name, data[[name]]))), "durations.csv")

curves <- medians <- shares <- tests <- NULL
for (name in names(data)) {
  d <- data[[name]]
  parts <- c(list("total" = d), split(d, as.character(d$group)))
  for (level in names(parts)) {
    for (confidence in c(0.95, 0.9)) {
      fit <- survfit(Surv(day, event) ~ 1, data = parts[[level]], conf.type = "log-log", conf.int = confidence)
      who <- data.frame(case = name, level = level, confidence = confidence)
      curves <- rbind(curves, cbind(who, data.frame(
        day = fit$time, at_risk = fit$n.risk, events = fit$n.event, censored = fit$n.censor,
        estimate = 1 - fit$surv, ci_low = 1 - fit$upper, ci_high = 1 - fit$lower)))
      q <- quantile(fit, probs = 0.5)
      medians <- rbind(medians, cbind(who, data.frame(
        median = as.numeric(q$quantile), median_low = as.numeric(q$lower), median_high = as.numeric(q$upper))))
      # times after the last observation have no row
      horizons <- c(28, 91, 182, 365)
      horizons <- horizons[horizons <= max(fit$time)]
      by <- if (length(horizons)) summary(fit, times = horizons)
      if (length(by$time)) shares <- rbind(shares, cbind(who, data.frame(
        day = by$time, estimate = 1 - by$surv, ci_low = 1 - by$upper, ci_high = 1 - by$lower)))
    }
  }
  test <- survdiff(Surv(day, event) ~ group, data = d)
  df <- sum(test$exp > 0) - 1
  tests <- rbind(tests, data.frame(case = name, statistic = test$chisq, df = df,
                                   p = pchisq(test$chisq, df, lower.tail = FALSE)))
}
save(curves, "durations_curves_expected.csv")
save(medians, "durations_medians_expected.csv")
save(shares, "durations_shares_expected.csv")
save(tests, "durations_tests_expected.csv")

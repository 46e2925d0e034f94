# glm_expected.csv: logistic regression, predictive margins of its factors and their differences.
# A margin of level a is the weighted mean, over those in the model, of the predicted probability if all had level a.
# Its standard error three times: se_fixed takes the covariates as they are (the delta method on vcov of the
# coefficients); se_predmeans adds the variance of the mean of the predictions, as svypredmeans does, without their
# covariance; se_full has it too: the variance of the sum of both influence functions. `se` of a margin is se_full.
save(health["agecat"], "nhanes_agecat.csv") # beside nhanes.csv, row by row

model_rows <- function(case, design, formula, factors) {
  # svyglm(formula, design, family = quasibinomial(), epsilon = 1e-14, maxit = 100)
  fit <- eval(bquote(svyglm(.(formula), design = design, family = quasibinomial(), epsilon = 1e-14, maxit = 100)))
  inside <- fit$survey.design # without the rows with missing values
  outcome <- all.vars(formula)[1]
  coefficients <- coef(fit)
  ci <- confint(fit) # coef -/+ qt(0.975, df.residual) x se
  empty <- data.frame(case = case, statistic = "", variable = outcome, item = "", by = "", level = "",
                      n = count(inside), estimate = NA, se = NA, ci_low = NA, ci_high = NA, df = fit$df.residual,
                      deff = NA, reference = "", se_fixed = NA, se_predmeans = NA, se_full = NA)
  rows <- list()
  for (name in names(coefficients)) {
    row <- empty
    row$statistic <- "coefficient"
    row$item <- name
    for (f in names(fit$xlevels)) if (startsWith(name, f) && substring(name, nchar(f) + 1) %in% fit$xlevels[[f]]) {
      row$by <- f; row$level <- substring(name, nchar(f) + 1); row$reference <- fit$xlevels[[f]][1]
    }
    row$estimate <- coefficients[[name]]; row$se <- SE(fit)[[name]]
    row$ci_low <- ci[name, 1]; row$ci_high <- ci[name, 2]
    rows[[length(rows) + 1]] <- row
  }

  w <- as.numeric(weights(inside, "sampling"))
  # each respondent's part in the coefficients, weight included; as survey's own svyglm has it
  parts <- model.matrix(fit) * residuals(fit, "working") * fit$weights
  parts <- parts %*% summary.glm(fit)$cov.unscaled
  # the variance of a weighted total of x: svytotal(x, design)
  variance <- function(x) vcov(svytotal(x / w, inside))
  stopifnot(all.equal(unname(variance(parts)), unname(vcov(fit))))
  for (f in factors) {
    levels <- fit$xlevels[[f]]
    margin <- numeric(); slopes <- NULL; predictions <- NULL; influence <- NULL
    for (l in levels) {
      as_if <- inside$variables
      as_if[[f]] <- factor(l, levels = levels)
      x <- model.matrix(delete.response(terms(fit)), as_if, xlev = fit$xlevels)
      p <- plogis(drop(x %*% coefficients))
      m <- sum(w * p) / sum(w)
      slope <- colSums(w * p * (1 - p) * x) / sum(w)
      margin[l] <- m; slopes <- cbind(slopes, slope); predictions <- cbind(predictions, w * (p - m) / sum(w))
      influence <- cbind(influence, w * (p - m) / sum(w) + parts %*% slope)
    }
    fixed <- t(slopes) %*% vcov(fit) %*% slopes
    predmeans <- fixed + variance(predictions)
    full <- variance(influence)
    # svypredmeans(model without f, ~f) gives margins and se_predmeans
    without <- eval(bquote(svyglm(.(update(formula, paste(". ~ . -", f))), design = inside, family = quasibinomial(),
                                  epsilon = 1e-14, maxit = 100)))
    theirs <- svypredmeans(without, make.formula(f))
    stopifnot(all.equal(unname(margin), as.numeric(coef(theirs)[levels]), tolerance = 1e-9),
              all.equal(unname(sqrt(diag(predmeans))), as.numeric(SE(theirs)[match(levels, names(coef(theirs)))]),
                        tolerance = 1e-6))
    add <- function(statistic, level, reference, contrast) {
      row <- empty
      row$statistic <- statistic; row$by <- f; row$level <- level; row$reference <- reference
      row$estimate <- sum(contrast * margin)
      error <- function(v) sqrt(drop(t(contrast) %*% v %*% contrast))
      row$se_fixed <- error(fixed); row$se_predmeans <- error(predmeans); row$se_full <- error(full)
      row$se <- row$se_full
      row
    }
    for (i in seq_along(levels)) rows[[length(rows) + 1]] <- add("margin", levels[i], "", 1 * (seq_along(levels) == i))
    # average marginal effect: the margin of a level minus that of the first
    for (i in seq_along(levels)[-1]) {
      contrast <- numeric(length(levels)); contrast[i] <- 1; contrast[1] <- -1
      rows[[length(rows) + 1]] <- add("margin_difference", levels[i], levels[1], contrast)
    }
  }
  do.call(rbind, rows)
}

rows <- list()
for (case in c("apistrat", "apistrat_fpc", "apiclus1", "apiclus1_fpc", "apiclus1_rake")) {
  design <- c(designs, calibrated)[[case]]
  rows[[case]] <- model_rows(case, design, comp.imp ~ stype + api99, "stype")
}
rows$nhanes <- model_rows("nhanes", designs$nhanes, HI_CHOL ~ race + agecat + RIAGENDR, c("race", "agecat", "RIAGENDR"))
save_numbers(rows, "glm_expected.csv")

# margins_expected.csv: the sample against margins. unweighted: chisq.test(table(x), p = p); weighted: svygofchisq(~x,
# p, design), whose X2 is compared with the sum of chi-squared variables times lambda; by Satterthwaite X2 / scale is
# compared with chi-squared(df). Rows without an answer are left out as a domain, subset(design, !is.na(x)).
# margins_wanted.csv: the margins, made up; of the schools, those of the population (apipop) for stype.
margins_wanted <- list(
  stype = prop.table(table(population$stype)), awards = c("0" = 0.4, "1" = 0.6),
  race = c("1" = 0.15, "2" = 0.65, "3" = 0.12, "4" = 0.08), HI_CHOL = c("0" = 0.9, "1" = 0.1),
  RIAGENDR = c("1" = 0.49, "2" = 0.51))
wanted <- list(
  list("apistrat", designs$apistrat, c("stype", "awards")), list("apistrat_fpc", designs$apistrat_fpc, "awards"),
  list("apiclus1", designs$apiclus1, c("stype", "awards")),
  list("apiclus1_fpc", designs$apiclus1_fpc, c("stype", "awards")),
  list("apiclus2_fpc", designs$apiclus2_fpc, c("stype", "awards")),
  list("nhanes", designs$nhanes, c("race", "HI_CHOL", "RIAGENDR")),
  list("apiclus1_rake", calibrated$apiclus1_rake, "awards"), list("apistrat_rake", calibrated$apistrat_rake, "awards"),
  list("apiclus1_jk1", replicated$apiclus1_jk1, c("stype", "awards")))
rows <- list()
for (given in wanted) for (x in given[[3]]) {
  design <- answered(given[[2]], x)
  design <- update(design, x_ = factor(design$variables[[x]]))
  p <- as.numeric(margins_wanted[[x]])
  # a design that keeps rows with weight 0 has to forget the others
  counted <- table(design$variables$x_[weights(design, "sampling") != 0])
  plain <- chisq.test(counted, p = p)
  tested <- svygofchisq(~x_, p, design)
  scale <- as.numeric(tested$parameter["scale"])
  rows[[length(rows) + 1]] <- data.frame(
    case = given[[1]], variable = x, n = sum(counted), X2 = as.numeric(plain$statistic),
    X2_df = as.numeric(plain$parameter), X2_p = plain$p.value, residual = as.numeric(plain$residuals[1]),
    weighted_share = as.numeric(coef(svymean(~x_, design))[1]), statistic = as.numeric(tested$statistic) / scale,
    df = as.numeric(tested$parameter["df"]), p = as.numeric(tested$p.value))
}
save_numbers(rows, "margins_expected.csv")
save_numbers(do.call(rbind, lapply(names(margins_wanted), function(x) data.frame(
  variable = x, level = names(margins_wanted[[x]]), share = as.numeric(margins_wanted[[x]])))), "margins_wanted.csv")

# tests_expected.csv: svychisq(~row + column, design, statistic = "F" | "Chisq"), Rao and Scott's second and first
# order. F is compared with F(ndf, ddf), ddf = ndf x (clusters - strata), of a replicate design ndf x degf(design).
# X2 is Pearson's statistic of the weighted table scaled to n_scaled, the number of rows, those with missing answers
# too; F x chisq_df is what is compared with chi-squared(chisq_df), so n_scaled has no influence on p.
wanted <- list(
  list("apistrat", designs$apistrat, list(c("stype", "awards"), c("stype", "comp.imp"), c("sch.wide", "yr.rnd"),
                                          c("sch.wide", "awards"))),
  list("apistrat_fpc", designs$apistrat_fpc, list(c("stype", "awards"), c("stype", "comp.imp"), c("yr.rnd", "stype"))),
  list("apiclus1", designs$apiclus1, list(c("stype", "awards"), c("sch.wide", "stype"), c("awards", "yr.rnd"))),
  list("apiclus1_fpc", designs$apiclus1_fpc, list(c("stype", "awards"), c("sch.wide", "stype"))),
  list("nhanes", designs$nhanes, list(c("race", "HI_CHOL"), c("RIAGENDR", "HI_CHOL"), c("agecat", "HI_CHOL"),
                                      c("race", "agecat"))),
  list("apistrat_rake", calibrated$apistrat_rake, list(c("stype", "awards"), c("sch.wide", "comp.imp"))),
  list("apiclus1_rake", calibrated$apiclus1_rake, list(c("stype", "awards"), c("stype", "comp.imp"))),
  list("apistrat_greg_api99", calibrated$apistrat_greg_api99, list(c("stype", "awards"))),
  list("apiclus1_jk1", replicated$apiclus1_jk1, list(c("stype", "awards"), c("sch.wide", "stype"))),
  list("apistrat_bootstrap", replicated$apistrat_bootstrap, list(c("stype", "awards"))))
rows <- list()
for (given in wanted) for (pair in given[[3]]) {
  # given by value, since svychisq reads the names of the two columns from the formula itself
  f <- as.formula(paste("~", pair[1], "+", pair[2]))
  second <- svychisq(f, given[[2]], statistic = "F")
  first <- svychisq(f, given[[2]], statistic = "Chisq")
  valid <- stats::complete.cases(given[[2]]$variables[pair])
  rows[[length(rows) + 1]] <- data.frame(
    case = given[[1]], row = pair[1], column = pair[2], n = sum(valid), n_scaled = length(valid),
    F = as.numeric(second$statistic), ndf = as.numeric(second$parameter[1]), ddf = as.numeric(second$parameter[2]),
    p = as.numeric(second$p.value), X2 = as.numeric(first$statistic), chisq_df = as.numeric(first$parameter),
    chisq_p = as.numeric(first$p.value))
}
save_numbers(rows, "tests_expected.csv")

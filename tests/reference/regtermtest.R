# Makes the expected values of tests of equal means in tests/test_compare.py again, with R's survey:
#
#   Rscript tests/reference/regtermtest.R
#
# Run from the root of the project.
# apt-get install r-base-core r-cran-survey
suppressPackageStartupMessages(library(survey))
here <- "tests/reference"
options(digits = 15)
source(file.path(here, "common.R"))

# regtermtest_expected.csv: Wald's test that the mean of `variable` is the same in all levels of `by`.
# ddf is what regTermTest takes where none is given: the residual degrees of freedom of the model, that is
# degf(design) + 1 - the number of its coefficients. survey 4.1 gives no df2 in `ddf` for a model without them.
wald <- function(case, design, variable, by) {
  design <- answered(design, c(variable, by))
  # fitted by value, since svyglm keeps its call and regTermTest reads it again
  fit <- svyglm(as.formula(paste(variable, "~", by)), design)
  # regTermTest(svyglm(api00 ~ stype, design), ~stype)
  test <- regTermTest(fit, as.formula(paste0("~", by)))
  data.frame(case = case, variable = variable, by = by, F = as.numeric(test$Ftest), df1 = test$df, df2 = test$ddf,
             p = as.numeric(test$p))
}

rows <- list()
for (case in c("apistrat", "apistrat_fpc", "apiclus1", "apiclus1_fpc")) {
  for (variable in c("api00", "api99", "enroll")) {
    for (by in c("stype", "awards")) rows[[length(rows) + 1]] <- wald(case, designs[[case]], variable, by)
  }
}
write.csv(do.call(rbind, rows), file.path(here, "regtermtest_expected.csv"), row.names = FALSE, na = "", quote = FALSE)

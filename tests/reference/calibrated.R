# calibrated_expected.csv, calibrated_weights.csv, calibrated_margins.csv: weights that were fitted to the population.
types <- xtabs(~stype, population)
wide <- xtabs(~sch.wide, population)
TIGHT <- list(maxit = 200, epsilon = 1e-13)
totals <- function(formula) colSums(model.matrix(formula, population))

fitted_to <- list(
  # the variance of rake() projects the weighted values w z on the margins in turn, ten times, by unweighted means of z
  rake = list(by = c("stype", "sch.wide"), numeric = NULL, fit = function(design)
    rake(design, list(~stype, ~sch.wide), list(types, wide), control = TIGHT)),
  poststratify = list(by = "stype", numeric = NULL, fit = function(design) postStratify(design, ~stype, types)),
  # residuals of z on the margins, weighted by the weights before calibration
  greg_api99 = list(by = "stype", numeric = "api99", fit = function(design)
    calibrate(design, ~stype + api99, totals(~stype + api99))),
  greg_wide = list(by = c("stype", "sch.wide"), numeric = NULL, fit = function(design)
    calibrate(design, ~stype + sch.wide, totals(~stype + sch.wide))),
  # the weights of rake(), the variance of calibrate()
  calraking = list(by = c("stype", "sch.wide"), numeric = NULL, fit = function(design)
    calibrate(design, ~stype + sch.wide, totals(~stype + sch.wide), calfun = "raking", epsilon = 1e-14, maxit = 200)))

# svymean(~api00, subset(design, stype == "E")), svytotal, svyratio; confint(m, df = degf(subset)). What the calibration
# fixes has se 0 but for rounding: share and total of sch.wide after `rake`, mean of api99 after `greg_api99`.
wanted <- list(c("mean", "api00"), c("mean", "api99"), c("mean", "enroll"), c("total", "enroll"), c("share", "awards"),
               c("share", "comp.imp"), c("share", "sch.wide"), c("total", "awards"), c("total", "sch.wide"),
               c("ratio", "api.stu", "enroll"))
rows <- list(); kept <- list(); margins <- list(); calibrated <- list()
for (name in c("apistrat", "apistrat_fpc", "apiclus1", "apiclus1_fpc")) for (how in names(fitted_to)) {
  case <- paste0(name, "_", how)
  given <- fitted_to[[how]]
  design <- given$fit(designs[[name]])
  calibrated[[case]] <- design
  rows[[case]] <- numbers(case, design, wanted, c("stype", "sch.wide"), deff = FALSE)
  w <- weights(design)
  kept[[case]] <- data.frame(case = case, row = seq_along(w), weight = as.numeric(w))
  for (variable in given$by) {
    population_table <- table(population[[variable]])
    margins[[paste(case, variable)]] <- data.frame(case = case, variable = variable, level = names(population_table),
                                                   total = as.numeric(population_table))
  }
  for (variable in given$numeric) {
    margins[[paste(case, variable)]] <- data.frame(case = case, variable = variable, level = "",
                                                   total = sum(population[[variable]]))
  }
}
save_numbers(rows, "calibrated_expected.csv")
# the weights do not depend on the finite population correction
save(do.call(rbind, kept[!grepl("_fpc_", names(kept))]), "calibrated_weights.csv")
save(do.call(rbind, margins), "calibrated_margins.csv")

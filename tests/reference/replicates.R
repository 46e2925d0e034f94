# replicates_expected.csv, replicates_design.csv and the replicate weights: jackknife, bootstrap, balanced replicates.
grouped <- svydesign(id = ~group, strata = ~stype, weights = ~pw, nest = TRUE, data = schools$apistrat)
# Levy and Lemeshow's half samples, from the help page of svrepdesign
half_samples <- 2 * cbind(c(1, 0, 1, 0, 1, 0), c(1, 0, 0, 1, 0, 1), c(0, 1, 1, 0, 0, 1), c(0, 1, 0, 1, 1, 0))
stations <- svydesign(data = scd, prob = ~1, id = ~ambulance, strata = ~ESA, nest = TRUE)
jk1 <- as.svrepdesign(designs$apiclus1_fpc, type = "JK1")
combined <- weights(jk1, "analysis")

# name, data, column of the sampling weight (empty: 1 for everybody), and the design
made <- list(
  # delete one of ten groups of schools in each stratum: 30 replicates
  apistrat_jkn = list("api_apistrat.csv", "pw", function(mse) as.svrepdesign(grouped, type = "JKn", mse = mse)),
  # delete one school: 200 replicates, (1 - n/N) in rscales. Its weights are not kept: 0 for the school left out,
  # n/(n - 1) for the others of its stratum, 1 elsewhere. rscales are written in the order of the schools left out
  apistrat_jkn_school = list("api_apistrat.csv", "pw", function(mse)
    as.svrepdesign(designs$apistrat_fpc, type = "JKn", mse = mse)),
  # delete one district: 15 replicates, (1 - n/N) in scale
  apiclus1_jk1 = list("api_apiclus1.csv", "pw", function(mse)
    as.svrepdesign(designs$apiclus1_fpc, type = "JK1", mse = mse)),
  # the same with the sampling weight multiplied into the replicate weights
  apiclus1_jk1_combined = list("api_apiclus1.csv", "pw", function(mse)
    svrepdesign(data = schools$apiclus1, weights = ~pw, repweights = combined, type = "JK1", combined.weights = TRUE,
                scale = jk1$scale, rscales = jk1$rscales, mse = mse)),
  apistrat_bootstrap = list("api_apistrat.csv", "pw", function(mse) {
    set.seed(20240501)
    as.svrepdesign(designs$apistrat, type = "bootstrap", replicates = 40, mse = mse)
  }),
  scd_brr = list("scd.csv", "", function(mse)
    # the warning: no sampling weights, so 1 for everybody
    suppressWarnings(svrepdesign(data = scd, type = "BRR", repweights = half_samples, combined.weights = FALSE,
                                 mse = mse))),
  scd_fay = list("scd.csv", "", function(mse)
    as.svrepdesign(stations, type = "Fay", fay.rho = 0.3, mse = mse)))

# svymean(~api00, design), svytotal, svyratio(~api.stu, ~enroll, design), and the median twice: svyquantile(~api00,
# design, 0.5) is Woodruff's (interval.type = "mean", qrule = "math"), with the replicate variance of the share at or
# below it; replicate_quantile has interval.type = "quantile". confint(m, df = degf(design)); degf of a domain is the
# rank of its replicate weights (weights(design, "analysis"), tolerance 1e-5) minus 1.
of_schools <- list(c("mean", "api00"), c("mean", "enroll"), c("share", "awards"), c("share", "comp.imp"),
                   c("total", "enroll"), c("total", "awards"), c("ratio", "api.stu", "enroll"),
                   c("quantile", "api00", "0.5"), c("quantile", "enroll", "0.5"))
of_stations <- list(c("mean", "alive"), c("share", "many"), c("total", "alive"), c("total", "many"),
                    c("ratio", "alive", "arrests"), c("quantile", "alive", "0.5"))
rows <- list(); described <- list(); replicated <- list()
for (name in names(made)) for (mse in c(FALSE, TRUE)) {
  given <- made[[name]]
  case <- paste0(name, if (mse) "_mse" else "")
  design <- given[[3]](mse)
  replicated[[case]] <- design
  from_stations <- given[[1]] == "scd.csv"
  wanted <- if (from_stations) of_stations else of_schools
  # replicates of a quantile are no good estimate of its variance in a jackknife
  if (name == "apistrat_bootstrap") wanted[[length(wanted) + 1]] <- c("replicate_quantile", "api00", "0.5")
  if (from_stations) wanted[[length(wanted) + 1]] <- c("replicate_quantile", "alive", "0.5")
  rows[[case]] <- numbers(case, design, wanted, if (!from_stations) "stype", deff = FALSE)
  # two stations in each area: no medians
  if (from_stations) rows[[case]] <- rbind(rows[[case]], numbers(case, design, of_stations[1:5], "ESA", total = FALSE,
                                                                 deff = FALSE))
  r <- as.matrix(if (design$combined.weights) weights(design, "analysis") else weights(design, "replication"))
  rscales <- design$rscales
  if (name == "apistrat_jkn_school") rscales <- rscales[order(apply(r == 0, 2, which))]
  file <- if (name == "apistrat_jkn_school") "" else paste0("replicates_", name, ".csv")
  described[[case]] <- data.frame(
    case = case, data = given[[1]], weight = given[[2]], weights_file = file, replicates = ncol(r), type = design$type,
    scale = design$scale, rscales = paste(format(rscales, digits = 15, trim = TRUE, drop0trailing = TRUE),
                                          collapse = " "),
    rho = if (is.null(design$rho)) NA else design$rho, mse = mse, combined.weights = design$combined.weights,
    df = degf(design))
  if (!mse && file != "") {
    colnames(r) <- paste0("r", seq_len(ncol(r)))
    save(as.data.frame(r), file)
  }
}
save(scd[c("ESA", "ambulance", "arrests", "alive", "many")], "scd.csv")
save_numbers(rows, "replicates_expected.csv")
save(do.call(rbind, described), "replicates_design.csv")

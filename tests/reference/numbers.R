# numbers_expected.csv: means, totals, ratios and quantiles of three designs; and the data.
COLUMNS <- c("stype", "sch.wide", "comp.imp", "both", "awards", "yr.rnd", "api00", "api99", "enroll", "api.stu", "pw")
save(schools$apistrat[c(COLUMNS, "fpc", "group", "best")], "api_apistrat.csv")
save(schools$apiclus1[c("dnum", COLUMNS, "fpc", "county", "late")], "api_apiclus1.csv")
save(schools$apiclus2[c("dnum", COLUMNS, "fpc1")], "api_apiclus2.csv")

# svymean(~api00, design, deff = "replace"), confint(m, df = degf(design));
# svytotal(~enroll, design, deff = "replace"): in a domain the design effect compares with n of the domain only;
# svyratio(~api.stu, ~enroll, design); svyquantile(~api00, design, c(0.25, 0.5, 0.75))
wanted <- list(c("mean", "api00"), c("mean", "enroll"), c("total", "enroll"), c("total", "awards"),
               c("total", "comp.imp"), c("total", "both"), c("ratio", "api.stu", "enroll"))
for (variable in c("api00", "enroll")) for (p in c("0.25", "0.5", "0.75")) {
  wanted[[length(wanted) + 1]] <- c("quantile", variable, p)
}
cases <- c("apistrat", "apistrat_fpc", "apiclus1", "apiclus1_fpc", "apiclus2", "apiclus2_fpc")
# svymean(~api00, subset(design, stype == "E")), ...
save_numbers(lapply(cases, function(case) numbers(case, designs[[case]], wanted, "stype")), "numbers_expected.csv")

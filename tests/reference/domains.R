# domains_expected.csv: domains at the edges. Whole clusters without anybody of the domain, one cluster only (df 0, no
# interval; se 0 but of a total), a stratum without anybody, shares of 0 and 1 (se 0, the interval is the point, the
# design effect 0 / 0 is empty). An se of 0 may be written as rounding leaves it, 1e-16 say.
wanted <- list(c("share", "awards"), c("share", "both"), c("mean", "api00"), c("total", "enroll"), c("total", "awards"),
               c("total", "both"), c("ratio", "api.stu", "enroll"), c("quantile", "api00", "0.5"))
rows <- list()
for (case in c("apiclus1", "apiclus1_fpc")) {
  # svymean(~awards, subset(design, late == 1)); a level of `county` has one to three of the 15 districts
  rows[[case]] <- numbers(case, designs[[case]], wanted, c("late", "county"), total = FALSE)
}
for (case in c("apistrat", "apistrat_fpc")) {
  # svymean(~awards, subset(design, best == 1)): no school of stratum H. Level 0 of sch.wide has awards = both = 0;
  # level 1 of yr.rnd has one school in H
  rows[[case]] <- numbers(case, designs[[case]], wanted, c("best", "sch.wide", "both", "yr.rnd"), total = FALSE)
}
save_numbers(rows, "domains_expected.csv")

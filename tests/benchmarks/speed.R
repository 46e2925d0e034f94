# One form of call of R's survey, timed; called by speed.py, which says what is measured.
# Rscript speed.R FORM FOLDER MOST_CALLS BUDGET LEAST_CALLS PATIENCE

suppressPackageStartupMessages(library(survey))

argument <- commandArgs(TRUE)
form <- as.integer(argument[1]) + 1
folder <- argument[2]
most <- as.integer(argument[3])
budget <- as.numeric(argument[4])
least <- as.integer(argument[5])
patience <- as.numeric(argument[6])

kinds <- list(int8 = list("integer", 1), int16 = list("integer", 2), float64 = list("double", 8))
read <- function(folder) {
  files <- grep("[.](int8|int16|float64)$", list.files(folder), value = TRUE)
  columns <- lapply(files, function(file) {
    path <- file.path(folder, file)
    kind <- kinds[[sub(".*[.]", "", file)]]
    readBin(path, kind[[1]], n = file.size(path) / kind[[2]], size = kind[[2]])
  })
  as.data.frame(setNames(columns, sub("[.].*", "", files)))
}
make <- function(data) svydesign(ids = ~cluster, strata = ~stratum, weights = ~weight, data = data)

numbers_of <- function(estimate, se, interval, by, levels) {
  data.frame(
    item = rep(sub("q_", "", items), each = length(levels)), by = by, level = levels,
    estimate = as.vector(estimate), se = as.vector(as.matrix(se)), low = interval[, 1], high = interval[, 2]
  )
}

# the t quantile at the degrees of freedom of the whole design: confint has the normal one by default
total <- function(x, design) {
  found <- svymean(x, design)
  list(numbers_of(coef(found), SE(found), confint(found, df = degf(design)), "", ""))
}
by_breakdown <- function(x, design) {
  each <- lapply(breakdowns, function(by) {
    found <- svyby(x, reformulate(by), design, svymean)
    numbers_of(coef(found), SE(found), confint(found, df = degf(design)), by, found[[by]])
  })
  c(total(x, design), each)
}
by_subset <- function(x, design) {
  each <- lapply(breakdowns, function(by) {
    group <- design$variables[[by]]
    lapply(sort(unique(group)), function(level) {
      rows <- which(group == level)
      found <- svymean(x[rows, ], design[rows, ])
      numbers_of(coef(found), SE(found), confint(found, df = degf(design)), by, level)
    })
  })
  c(total(x, design), do.call(c, each))
}
forms <- list(
  function(design) by_breakdown(reformulate(items), design),
  function(design) by_breakdown(as.matrix(design$variables[items]), design),
  function(design) by_subset(as.matrix(design$variables[items]), design)
)

status <- function(key) {
  lines <- if (file.exists("/proc/self/status")) readLines("/proc/self/status") else character()
  line <- grep(paste0("^", key, ":"), lines, value = TRUE)
  if (length(line)) 1024 * as.numeric(gsub("[^0-9]", "", line)) else NaN
}
forget_peak <- function() {
  invisible(gc(full = TRUE))
  try(cat("5", file = "/proc/self/clear_refs"), silent = TRUE)
  status("VmRSS")
}

data <- read(folder)
items <- sort(grep("^q_", names(data), value = TRUE))
breakdowns <- sort(grep("^g[0-9]", names(data), value = TRUE))
invisible(forms[[form]](make(head(data, 1000))))
design <- make(data)
rm(data)
cat("input", as.numeric(object.size(design)), "\n")
before <- forget_peak()
spent <- 0
calls <- 0
while (calls < most && spent < (if (calls >= least) budget else patience)) {
  start <- proc.time()[["elapsed"]]
  found <- forms[[form]](design)
  seconds <- proc.time()[["elapsed"]] - start
  if (calls == 0) {
    cat("extra", status("VmHWM") - before, "\n")
    numbers <- do.call(rbind, found)
    for (column in c("estimate", "se", "low", "high")) numbers[[column]] <- sprintf("%.17g", numbers[[column]])
    write.csv(numbers, file.path(folder, "numbers.csv"), row.names = FALSE, quote = FALSE)
  }
  cat("call", seconds, "\n")
  spent <- spent + seconds
  calls <- calls + 1
}

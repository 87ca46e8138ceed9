// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/Expect.h"

#include "tools/run/Deviation.h"

#include <fmt/format.h>
#include <functional>
#include <memory>
#include <xxhash.h>

namespace strata::run {

namespace {

/// Receives the logits of every position, in order.
using RowSink = std::function<void(uint32_t position, std::span<const float> logits)>;
/// Feeds tokens to an empty sequence.
using Runner = Result<void> (*)(Session &session, SequenceId sequence, std::span<const int32_t> tokens,
                                const RowSink &sink);

struct Form {
  const char *name;
  Runner run;
};

Result<void> runAsPrompt(Session &session, SequenceId sequence, std::span<const int32_t> tokens, const RowSink &sink) {
  STRATA_ASSIGN(PromptStep step, session.startPrompt(sequence, tokens, WantedRows::all, sink));
  for (bool done = false; !done;) {
    STRATA_ASSIGN(done, step.advance());
  }
  return {};
}

Result<void> runAsDecode(Session &session, SequenceId sequence, std::span<const int32_t> tokens, const RowSink &sink) {
  for (uint32_t position = 0; position < tokens.size(); ++position) {
    DecodeRow row{sequence, tokens[position]};
    STRATA_TRY(session.decode(std::span(&row, 1)));
    sink(position, session.logits(0));
  }
  return {};
}

constexpr Form kForms[] = {{"prompt", runAsPrompt}, {"decode", runAsDecode}};

/// The XXH3-64 of all logits that were compared, so that two runs can be seen to have computed the same bits.
class BitsDigest {
public:
  BitsDigest() { XXH3_64bits_reset(state.get()); }
  void addRow(std::span<const float> logits) { XXH3_64bits_update(state.get(), logits.data(), logits.size_bytes()); }
  uint64_t value() const { return XXH3_64bits_digest(state.get()); }

private:
  struct Free {
    void operator()(XXH3_state_t *memory) const { XXH3_freeState(memory); }
  };
  std::unique_ptr<XXH3_state_t, Free> state{XXH3_createState()};
};

/// What is known of a case that ran in one form.
struct CaseOutcome {
  Deviation deviation;
  GreedyAgreement greedy;
  BitsDigest bits;
};

/// Prints figures as they come and remembers the first bound that one of them passed.
class Report {
public:
  explicit Report(const Bounds &givenBounds) : bounds(givenBounds) {
    fmt::print("{:<6}{:<8}{:>5}{:>14}{:>14}{:>14}{:>18}{:>10}\n", "case", "form", "rows", "largest", "nmse",
               "median nmse", "bits", "greedy");
  }

  void add(std::size_t index, const char *form, const CaseOutcome &outcome) {
    const Deviation &deviation = outcome.deviation;
    const GreedyAgreement &greedy = outcome.greedy;
    fmt::print("{:<6}{:<8}{:>5}{:>14.3e}{:>14.3e}{:>14.3e}{:>18}{:>10}\n", index, form, deviation.rows(),
               deviation.largest(), deviation.nmse(), median(deviation.rowNmse()),
               fmt::format("{:016x}", outcome.bits.value()), fmt::format("{}/{}", greedy.equal, greedy.counted));
    std::string where = fmt::format("case {}, {} form", index, form);
    check(where, "the largest difference", deviation.largest(), "--tolerance", bounds.tolerance);
    check(where, "the normalised mean square error", deviation.nmse(), "--nmse", bounds.nmse);
    if (bounds.tolerance && greedy.equal != greedy.counted)
      note(fmt::format("{}: {} of {} greedy tokens differ though their gap is above --tolerance", where,
                       greedy.counted - greedy.equal, greedy.counted));
  }

  void addForm(const char *form, std::vector<double> rowNmse) {
    std::size_t rows = rowNmse.size();
    double middle = median(std::move(rowNmse));
    fmt::print("{:<6}{:<8}{:>5}{:>14}{:>14}{:>14.3e}\n", "all", form, rows, "", "", middle);
    check(fmt::format("{} form", form), "the median of the rows' errors", middle, "--median-nmse", bounds.medianNmse);
  }

  Result<ExitCode> result() const {
    if (!firstFault.empty())
      return fail(ExitCode::Mismatch, "", firstFault);
    return ExitCode::Done;
  }

private:
  void check(const std::string &where, const char *what, double figure, const char *option,
             const std::optional<double> &bound) {
    // Written so that NaN is above every bound.
    if (bound && !(figure <= *bound))
      note(fmt::format("{}: {} is {:.3e}, above {}={}", where, what, figure, option, *bound));
  }
  void note(std::string fault) {
    if (firstFault.empty())
      firstFault = std::move(fault);
  }

  const Bounds &bounds;
  std::string firstFault;
};

/// One case in one form.
Result<CaseOutcome> runCase(Session &session, const Form &form, const GoldenFile &golden, const GoldenCase &test,
                            double tolerance) {
  CaseOutcome outcome;
  auto next = test.rows.begin();
  auto compare = [&](uint32_t position, std::span<const float> logits) {
    if (next == test.rows.end() || next->position != position)
      return;
    outcome.deviation.addRow(logits, golden.logits.row(next->row));
    outcome.greedy.addRow(test, position, logits, tolerance);
    outcome.bits.addRow(logits);
    ++next;
  };
  STRATA_ASSIGN(SequenceId sequence, session.openSequence());
  Result<void> run = form.run(session, sequence, test.tokens(), compare);
  session.closeSequence(sequence);
  STRATA_TRY(run);
  return outcome;
}

} // namespace

Result<ExitCode> expectGolden(Session &session, const std::string &path, const Bounds &bounds) {
  STRATA_ASSIGN(GoldenFile golden, readGolden(path));
  if (golden.logits.columns != session.vocabulary())
    return fail(ExitCode::Input, "",
                fmt::format("{}: its rows have {} logits, the model {}; they belong to another model", escapeName(path),
                            golden.logits.columns, session.vocabulary()));
  Report report(bounds);
  for (const Form &form : kForms) {
    std::vector<double> rowNmse;
    for (std::size_t index = 0; index < golden.cases.size(); ++index) {
      STRATA_ASSIGN(CaseOutcome outcome,
                    runCase(session, form, golden, golden.cases[index], bounds.tolerance.value_or(0)));
      report.add(index, form.name, outcome);
      const std::vector<double> &errors = outcome.deviation.rowNmse();
      rowNmse.insert(rowNmse.end(), errors.begin(), errors.end());
    }
    report.addForm(form.name, std::move(rowNmse));
  }
  return report.result();
}

} // namespace strata::run

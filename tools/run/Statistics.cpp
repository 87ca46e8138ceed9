// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/Statistics.h"

#include "runtime/Artifact/LoadedArtifact.h"
#include "runtime/Base/Size.h"

#include <fmt/format.h>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

namespace strata::run {

namespace {

using Json = nlohmann::ordered_json;
using Number = std::optional<double>;

/// What was predicted of as many tokens as a phase had.
struct PhaseGuess {
  Number seconds, diskBytes, ramBytes, hitRate;
};

/// What was measured and what was predicted; a figure that is absent was not measured, or not predicted.
struct PhaseReport {
  uint64_t tokens = 0; ///< 0: the phase did not run, and nothing else was measured.
  double seconds = 0, elapsed = 0;
  /// With experts that are used equally often, prompts with empty caches; and decoding by the artifact's usage counts,
  /// or what is published of siblings.
  PhaseGuess uniform, expected;
  // The disk, and the experts that are read from it.
  Number diskBytes;
  Number diskWaiting;    ///< Bytes a second while nothing could be computed.
  Number diskReading;    ///< Bytes a second while reads were under way.
  Number diskOverall;    ///< Bytes a second of all the time.
  Number waitingSeconds; ///< While nothing could be computed.
  Number hitRate;
  // RAM: the weights that products read there.
  Number ramBytes;
  Number ramComputing, ramOverall; ///< Bytes a second while computing, and of all the time.
  ExpertStoreStatistics experts;   ///< As they were counted.
};

double secondsOf(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

/// Nothing of a rate in no time.
Number rateOf(double amount, double seconds) {
  return seconds > 0 ? Number(amount / seconds) : std::nullopt;
}

/// What the artifact says of prompts of so many tokens; between two lengths on the line between them.
PhaseGuess guessPrompt(const schema::Prediction &prediction, uint64_t tokens) {
  if (!prediction.prompts())
    return {};
  const schema::PromptEstimate *below = nullptr;
  for (const schema::PromptEstimate *above : *prediction.prompts()) {
    if (above->tokens() == tokens)
      return {above->seconds(), above->disk_bytes(), {}, {}};
    if (above->tokens() > tokens) {
      if (!below)
        return {};
      double share = static_cast<double>(tokens - below->tokens()) / (above->tokens() - below->tokens());
      return {below->seconds() + share * (above->seconds() - below->seconds()),
              below->disk_bytes() + share * (above->disk_bytes() - below->disk_bytes()),
              {},
              {}};
    }
    below = above;
  }
  return {};
}

PhaseGuess guessTokens(const schema::TokenEstimate *token, uint64_t count) {
  if (!token)
    return {};
  auto tokens = static_cast<double>(count);
  double ram = token->ram_dense_bytes() + token->ram_expert_bytes() + token->disk_expert_bytes();
  return {tokens * token->seconds(), tokens * token->disk_expert_bytes(), tokens * ram, token->hit_rate()};
}

/// Of experts and the disk, which only plans over several tiers have.
void addReads(PhaseReport &report, const PhaseStatistics &counted, uint64_t expertBytes) {
  report.experts = counted.experts;
  auto read = static_cast<double>(counted.experts.bytesRead);
  report.diskBytes = read;
  report.waitingSeconds = secondsOf(counted.experts.waiting);
  report.diskWaiting = rateOf(static_cast<double>(counted.experts.bytesWhileWaiting), *report.waitingSeconds);
  report.diskReading = rateOf(read, secondsOf(counted.experts.reading));
  report.diskOverall = rateOf(read, report.seconds);
  uint64_t wanted = counted.experts.hits + counted.experts.misses;
  if (wanted != 0)
    report.hitRate = static_cast<double>(counted.experts.hits) / static_cast<double>(wanted);
  report.ramBytes = static_cast<double>(counted.weightBytes) + static_cast<double>(wanted * expertBytes);
  report.ramComputing = rateOf(*report.ramBytes, report.seconds - *report.waitingSeconds);
  report.ramOverall = rateOf(*report.ramBytes, report.seconds);
}

std::string bytesOr(const Number &bytes, double tokens) {
  return bytes ? formatBytes(static_cast<uint64_t>(*bytes / tokens)) : "not measured";
}

std::string speedOr(const Number &rate, std::string_view when) {
  return rate ? fmt::format("{:.2f} GB/s {}", *rate / 1e9, when) : fmt::format("not measured {}", when);
}

/// Three digits that count.
std::string speed(double tokens, double seconds) {
  double rate = tokens / seconds;
  return fmt::format("{:.{}f} tokens/s", rate, rate < 10 ? 2 : rate < 100 ? 1 : 0);
}

std::string percent(double part) {
  return fmt::format("{:.1f} %", 100 * part);
}

using Show = std::function<std::string(double)>;

/// ", predicted 3.1 s", ", predicted 2 to 3 tokens/s", or nothing.
std::string predicted(const PhaseReport &report, Number PhaseGuess::*figure, const Show &show) {
  const Number &uniform = report.uniform.*figure, &expected = report.expected.*figure;
  if (!uniform)
    return "";
  std::string text = ", predicted " + show(*uniform);
  if (expected && show(*expected) != show(*uniform))
    text += " to " + show(*expected);
  return text;
}

std::string phaseText(const char *name, const PhaseReport &report, bool byToken) {
  if (report.tokens == 0)
    return fmt::format("stats: {}: not measured\n", name);
  auto tokens = static_cast<double>(report.tokens);
  double each = byToken ? tokens : 1;
  auto bytes = [&](double number) { return formatBytes(static_cast<uint64_t>(number / each)); };
  auto time = [&](double seconds) { return byToken ? speed(tokens, seconds) : fmt::format("{:.3f} s", seconds); };
  std::string text = fmt::format("stats: {}: {} tokens in {:.3f} s, {}{}\n", name, report.tokens, report.seconds,
                                 speed(tokens, report.seconds), predicted(report, &PhaseGuess::seconds, time));
  if (!report.diskBytes)
    return text;
  text += fmt::format("stats:   disk: {}{}{}; {}, {}, {}; waited {:.3f} s\n", bytes(*report.diskBytes),
                      byToken ? " a token" : "", predicted(report, &PhaseGuess::diskBytes, bytes),
                      speedOr(report.diskWaiting, "while waiting"), speedOr(report.diskReading, "while reading"),
                      speedOr(report.diskOverall, "overall"), *report.waitingSeconds);
  text += fmt::format(
      "stats:   RAM: {}{}{}; {}, {}; {} of {} experts were in memory{}{}\n", bytesOr(report.ramBytes, each),
      byToken ? " a token" : "", predicted(report, &PhaseGuess::ramBytes, bytes),
      speedOr(report.ramComputing, "while computing"), speedOr(report.ramOverall, "overall"), report.experts.hits,
      report.experts.hits + report.experts.misses, report.hitRate ? ", " + percent(*report.hitRate) : "",
      predicted(report, &PhaseGuess::hitRate, percent));
  return text;
}

Json numberOr(const Number &number) {
  return number ? Json(*number) : Json(-1);
}

Json gigabytes(const Number &rate) {
  return rate ? Json(*rate / 1e9) : Json(-1);
}

Json phaseJson(const PhaseReport &report) {
  bool ran = report.tokens != 0;
  bool streams = ran && report.diskBytes;
  auto count = [&](uint64_t number) { return streams ? Json(number) : Json(-1); };
  return {{"tokens", report.tokens},
          {"seconds", ran ? Json(report.seconds) : Json(-1)},
          {"elapsed_seconds", ran ? Json(report.elapsed) : Json(-1)},
          {"disk_bytes", numberOr(report.diskBytes)},
          {"disk_gbps_waiting", gigabytes(report.diskWaiting)},
          {"disk_gbps_reading", gigabytes(report.diskReading)},
          {"disk_gbps_overall", gigabytes(report.diskOverall)},
          {"waiting_seconds", numberOr(report.waitingSeconds)},
          {"expert_hits", count(report.experts.hits)},
          {"expert_misses", count(report.experts.misses)},
          {"hit_rate", numberOr(report.hitRate)},
          {"ram_bytes", numberOr(report.ramBytes)},
          {"ram_gbps_computing", gigabytes(report.ramComputing)},
          {"ram_gbps_overall", gigabytes(report.ramOverall)},
          {"retries", count(report.experts.retries)},
          {"damaged_reads", count(report.experts.damagedReads)},
          {"timeouts", count(report.experts.timeouts)},
          {"slow_reads", count(report.experts.slowReads)},
          {"experts_quarantined", count(report.experts.quarantined)},
          {"wants_refused", count(report.experts.refused)}};
}

Json guessJson(const PhaseGuess &guess) {
  return {{"seconds", numberOr(guess.seconds)},
          {"disk_bytes", numberOr(guess.diskBytes)},
          {"hit_rate", numberOr(guess.hitRate)},
          {"ram_bytes", numberOr(guess.ramBytes)}};
}

/// What was measured, beside what was predicted.
PhaseReport reportOf(const Session &session, schema::Phase phase) {
  PhaseStatistics counted = session.statistics(phase);
  PhaseReport report;
  report.tokens = counted.tokens;
  if (report.tokens == 0)
    return report;
  report.seconds = secondsOf(counted.taken);
  report.elapsed = secondsOf(counted.elapsed);
  const schema::Prediction &prediction = *session.artifact().root().prediction();
  if (!session.readsDescription().empty())
    addReads(report, counted, prediction.expert_bytes());
  if (phase == schema::Phase::prompt) {
    report.uniform = guessPrompt(prediction, report.tokens);
  } else {
    report.uniform = guessTokens(prediction.uniform(), report.tokens);
    report.expected = guessTokens(prediction.expected(), report.tokens);
  }
  return report;
}

} // namespace

std::string statisticsText(const Session &session) {
  PhaseReport prompt = reportOf(session, schema::Phase::prompt), decode = reportOf(session, schema::Phase::decode);
  std::string text = phaseText("prompt", prompt, /*byToken=*/false) + phaseText("decode", decode, /*byToken=*/true);
  if (session.readsDescription().empty())
    return text + "stats: all weights are in memory: nothing was read for an answer\n";
  ExpertStoreStatistics all = prompt.experts;
  all.add(decode.experts, {});
  return text + fmt::format("stats: reads: {} asked for again, {} damaged, {} without an answer in time, {} slow; {} "
                            "experts put into quarantine, {} refused\n",
                            all.retries, all.damagedReads, all.timeouts, all.slowReads, all.quarantined, all.refused);
}

std::string statisticsJson(const Session &session) {
  PhaseReport prompt = reportOf(session, schema::Phase::prompt), decode = reportOf(session, schema::Phase::decode);
  Json all = {{"version", 1},
              {"reads", session.readsDescription()},
              {"prompt", phaseJson(prompt)},
              {"decode", phaseJson(decode)},
              {"predicted",
               {{"prompt", guessJson(prompt.uniform)},
                {"decode", guessJson(decode.uniform)},
                {"decode_expected", guessJson(decode.expected)}}}};
  return all.dump() + "\n";
}

} // namespace strata::run

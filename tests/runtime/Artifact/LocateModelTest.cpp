// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where the model is looked for (A32), what is taken for it (G50), and whether it is what the artifact says (A11).

#include "runtime/Artifact/LocateModel.h"
#include "tests/runtime/Artifact/TestModel.h"

#include <filesystem>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class LocateModel : public testing::Test {
protected:
  /// The artifact as if it had been loaded from `path`.
  LoadedArtifact loadAs(const std::string &path) {
    auto loaded = LoadedArtifact::load(artifactFile(artifact), path);
    if (!loaded)
      throw std::runtime_error(loaded.error().message);
    return std::move(*loaded);
  }
  static void expectRefusal(const Result<LocatedModel> &result, const std::string &id, const std::string &text) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().id, id) << result.error().message;
    EXPECT_EQ(result.error().code, ExitCode::Input);
    EXPECT_THAT(result.error().message, HasSubstr(text));
  }
  /// A valid GGUF that is another model.
  std::string otherModel(const std::string &name) {
    return elsewhere.write(name, testModelFile().replace(testModelFile().find("blk.0.attn_q"), 12, "blk.0.attn_p"));
  }

  TestModel model;
  schema::ArtifactT artifact = model.artifact();
  TemporaryFolder elsewhere;
};

TEST_F(LocateModel, A32_AtTheHint) {
  auto located = locateModel(loadAs(elsewhere.path("a.strata")), std::nullopt);
  ASSERT_TRUE(located) << located.error().message;
  EXPECT_EQ(located->path, model.path());
}

TEST_F(LocateModel, A32_BesideTheArtifactFirst) {
  std::string beside = elsewhere.write("two-layers.gguf", testModelFile());
  auto located = locateModel(loadAs(elsewhere.path("a.strata")), std::nullopt);
  ASSERT_TRUE(located) << located.error().message;
  EXPECT_EQ(located->path, beside);
}

TEST_F(LocateModel, A32_WhereWeightsSays) {
  std::string renamed = elsewhere.write("renamed.gguf", testModelFile());
  auto located = locateModel(loadAs("a.strata"), renamed);
  ASSERT_TRUE(located) << located.error().message;
  EXPECT_EQ(located->path, renamed);
  elsewhere.write("two-layers.gguf", testModelFile());
  located = locateModel(loadAs("a.strata"), elsewhere.path(""));
  ASSERT_TRUE(located) << located.error().message;
  EXPECT_EQ(located->path, elsewhere.path("two-layers.gguf"));
}

TEST_F(LocateModel, A32_NowhereElseThanWeightsSays) {
  expectRefusal(locateModel(loadAs("a.strata"), elsewhere.path("absent.gguf")), "A32", "absent.gguf");
}

TEST_F(LocateModel, A32_Nowhere) {
  fs::remove(model.path());
  auto located = locateModel(loadAs(elsewhere.path("a.strata")), std::nullopt);
  expectRefusal(located, "A32", "give its place with --weights");
  EXPECT_THAT(located.error().message, HasSubstr(elsewhere.path("two-layers.gguf")));
  EXPECT_THAT(located.error().message, HasSubstr(model.path()));
}

TEST_F(LocateModel, A32_NotARegularFile) {
  fs::create_directory(elsewhere.path("folder.gguf"));
  fs::create_directory(elsewhere.path("folder.gguf/two-layers.gguf"));
  expectRefusal(locateModel(loadAs("a.strata"), elsewhere.path("folder.gguf")), "A32", "no regular file");
}

TEST_F(LocateModel, A32_NameWithAFolder) {
  artifact.model->files[0]->name = "../two-layers.gguf";
  expectRefusal(locateModel(loadAs("a.strata"), std::nullopt), "A32", "which is no file's name");
}

TEST_F(LocateModel, G50_AnotherModel) {
  auto located = locateModel(loadAs("a.strata"), otherModel("other.gguf"));
  expectRefusal(located, "G50", "a.strata was compiled for two-layers.gguf");
  EXPECT_THAT(located.error().message, HasSubstr("other.gguf is another model"));
}

/// The model at the hint is taken though another one lies beside the artifact under its name.
TEST_F(LocateModel, G50_AnotherModelBesideTheArtifact) {
  otherModel("two-layers.gguf");
  auto located = locateModel(loadAs(elsewhere.path("a.strata")), std::nullopt);
  ASSERT_TRUE(located) << located.error().message;
  EXPECT_EQ(located->path, model.path());
  fs::remove(model.path());
  expectRefusal(locateModel(loadAs(elsewhere.path("a.strata")), std::nullopt), "G50", "is another model");
}

/// A file that is cut after its header has the right fingerprint: tokens can be made with it.
TEST_F(LocateModel, CutModelIsFound) {
  std::string cut = elsewhere.write("cut.gguf", testModelFile().substr(0, model.model().files()[0].headerBytes + 10));
  auto located = locateModel(loadAs("a.strata"), cut);
  ASSERT_TRUE(located) << located.error().message;
}

struct TensorCase {
  const char *name;
  const char *message;
  std::function<void(schema::TensorT &)> change;
};

class TensorsOfModel : public testing::TestWithParam<TensorCase> {};

TEST_P(TensorsOfModel, AreChecked) {
  TestModel model;
  schema::ArtifactT artifact = model.artifact();
  ASSERT_TRUE(checkTensorsOf(*schema::GetArtifact(packArtifact(artifact).data()), model.model()));
  GetParam().change(*artifact.tensors[2]);
  std::vector<std::byte> payload = packArtifact(artifact);
  auto result = checkTensorsOf(*schema::GetArtifact(payload.data()), model.model());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, "A11");
  EXPECT_EQ(result.error().code, ExitCode::Input);
  EXPECT_THAT(result.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    A11, TensorsOfModel,
    testing::Values(
        TensorCase{"Name", "the model has no tensor absent", [](schema::TensorT &t) { t.name = "absent"; }},
        TensorCase{"Offset", "output.weight is Q8_0 [40, 64]", [](schema::TensorT &t) { t.offset += 32; }},
        TensorCase{"Encoding", "the artifact says Q4_0 [40, 64]", [](schema::TensorT &t) { t.encoding = 2; }},
        TensorCase{"Shape", "the artifact says Q8_0 [64, 40]", [](schema::TensorT &t) { t.dimensions = {64, 40}; }},
        TensorCase{"Bytes", "compile the model again", [](schema::TensorT &t) { t.bytes -= 1; }},
        TensorCase{"File", "of file 1", [](schema::TensorT &t) { t.file = 1; }}),
    [](const auto &info) { return info.param.name; });

} // namespace
} // namespace strata::test

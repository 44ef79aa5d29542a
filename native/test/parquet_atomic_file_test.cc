// Files that appear whole or not at all.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/base/atomic_file.h"

#if defined(__linux__)
#include <sys/mount.h>
#endif

namespace verger {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / (std::string("verger-atomic-") + info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string Content(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  size_t Entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(AtomicFileTest, TheNameAppearsWithTheWholeContent) {
  const std::string path = Path("run é.json");
  ASSERT_TRUE(AtomicWriteFile(path, "old", 3).ok());
  {
    AtomicFile file;
    ASSERT_TRUE(file.Open(path).ok());
    ASSERT_TRUE(file.Write("new ", 4).ok());
    EXPECT_EQ(Content(path), "old");
    EXPECT_EQ(Entries(), 2U);
    ASSERT_TRUE(file.Write("content", 7).ok());
    EXPECT_EQ(file.size(), 11U);
    ASSERT_TRUE(file.Commit().ok());
  }
  EXPECT_EQ(Content(path), "new content");
  EXPECT_EQ(Entries(), 1U);
}

TEST_F(AtomicFileTest, AnAbandonedFileLeavesNothing) {
  const std::string path = Path("run.json");
  {
    AtomicFile file;
    ASSERT_TRUE(file.Open(path).ok());
    ASSERT_TRUE(file.Write("half", 4).ok());
  }
  EXPECT_EQ(Entries(), 0U);
}

TEST_F(AtomicFileTest, AFailedRenameLeavesNothing) {
  fs::create_directories(folder_ / "taken" / "inner");
  const Status status = AtomicWriteFile(Path("taken"), "x", 1);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(Entries(), 1U);
  EXPECT_TRUE(fs::is_directory(folder_ / "taken"));
}

TEST_F(AtomicFileTest, AFolderThatIsNotThere) {
  EXPECT_EQ(AtomicWriteFile(Path("no/run.json"), "x", 1).code(), "storage/not-found");
  EXPECT_TRUE(SyncDirectory(folder_.string()).ok());
}

TEST_F(AtomicFileTest, NamesOfTheGreatestLength) {
  const std::string path = Path(std::string(250, 'n'));
  EXPECT_TRUE(AtomicWriteFile(path, "x", 1).ok());
  EXPECT_EQ(Content(path), "x");
}

#if defined(__linux__)

TEST_F(AtomicFileTest, FullAndReadOnlyDisksAreTold) {
  if (mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "mounting a small file system needs root";
  }
  const std::string big(100 << 10, 'x');
  const std::string path = Path("run.json");
  const Status full = AtomicWriteFile(path, big.data(), big.size());
  const size_t after_full = Entries();
  const bool small = AtomicWriteFile(path, "x", 1).ok();
  const bool remounted = mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=64k") == 0;
  const Status read_only = AtomicWriteFile(path, "y", 1);
  const std::string content = Content(path);
  umount(folder_.c_str());
  EXPECT_EQ(full.code(), "storage/disk-full");
  EXPECT_EQ(after_full, 0U);
  EXPECT_TRUE(small);
  ASSERT_TRUE(remounted);
  EXPECT_EQ(read_only.code(), "storage/read-only");
  EXPECT_EQ(content, "x");
}

#endif

}  // namespace
}  // namespace verger

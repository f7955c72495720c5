// Whole files or none, whole folders or none, and errors that name the file.
#include "base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "tests/support/device_node.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;

size_t entries_in(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {}));
}

/// A limit on the size of files stands for the full disk.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, SIG_DFL);
  }

 private:
  rlimit before_{};
};

struct FilesTest : ::testing::Test {
  testing::TemporaryFolder folder;
};

TEST_F(FilesTest, ALimitHoldsForFilesAndForWhatNeverEnds) {
  write_file(folder / "ten", "0123456789");
  EXPECT_EQ(read_file(folder / "ten", 10), "0123456789");
  EXPECT_THAT(error_of([&] { read_file(folder / "ten", 9); }),
              AllOf(HasSubstr("ten"), HasSubstr("longer than 9 bytes")));
  EXPECT_THAT(error_of([&] { read_file("/dev/zero", 1 << 20); }), HasSubstr("longer than"));
}

TEST_F(FilesTest, BytesComeBackAsWritten) {
  const std::string bytes("\0\r\n\xff text", 10);
  write_file(folder / "a", bytes);
  EXPECT_EQ(read_file(folder / "a"), bytes);
  write_file(folder / "a", "");
  EXPECT_EQ(read_file(folder / "a"), "");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST_F(FilesTest, ReadErrorsSayWhichFileAndWhy) {
  EXPECT_THAT(error_of([&] { read_file(folder / "none"); }),
              AllOf(HasSubstr("cannot read "), HasSubstr("none: No such file or directory")));
  EXPECT_THAT(error_of([&] { read_file(folder.path()); }), HasSubstr("Is a directory"));
}

TEST_F(FilesTest, WriteErrorsSayWhichFileAndWhy) {
  EXPECT_THAT(error_of([&] { write_file(folder / "no/such/file", "x"); }),
              AllOf(HasSubstr("cannot write "), HasSubstr("no/such/file: No such file")));
  EXPECT_THAT(error_of([&] { write_file(folder.path(), "x"); }), HasSubstr("Is a directory"));
}

TEST_F(FilesTest, AFolderWithoutPermissionIsNamed) {
  if (::geteuid() == 0) GTEST_SKIP() << "the administrator may write everywhere";
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THAT(error_of([&] { write_file(folder / "a", "x"); }), HasSubstr("Permission denied"));
  fs::permissions(folder.path(), fs::perms::owner_all);
}

TEST_F(FilesTest, ADeviceKeepsItsPlaceAndItsErrors) {
  const auto null = folder / "null", full = folder / "full";
  if (!testing::make_null_device(null) || !testing::make_full_device(full)) {
    GTEST_SKIP() << "devices are not allowed here";
  }
  write_file(null, "x");
  EXPECT_TRUE(fs::is_character_file(null));
  EXPECT_THAT(error_of([&] { write_file(full, "x"); }), HasSubstr("full: No space left on device"));
  EXPECT_TRUE(fs::is_character_file(full));
  EXPECT_EQ(entries_in(folder.path()), 2u);
}

TEST_F(FilesTest, APipeIsWrittenToDirectly) {
  const auto pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread reader([&] { EXPECT_EQ(read_file(pipe), "header, values"); });
  PendingFile file(pipe);
  file.write("header, ");
  file.write("values");
  file.commit();
  reader.join();
  EXPECT_TRUE(fs::is_fifo(pipe));
}

TEST_F(FilesTest, APendingFileAppearsWithItsCommit) {
  write_file(folder / "a", "old");
  PendingFile file(folder / "a");
  file.write("count: ?, ");
  file.write("values");
  file.rewrite_start("count: 2");
  file.write(", end");
  EXPECT_EQ(read_file(folder / "a"), "old");
  file.commit();
  EXPECT_EQ(read_file(folder / "a"), "count: 2, values, end");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST_F(FilesTest, APendingFileWithoutCommitLeavesNothing) {
  { PendingFile(folder / "a").write("half"); }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST_F(FilesTest, AWriteThatFailsHalfWayKeepsTheOldFileAndLeavesNothingElse) {
  write_file(folder / "a", "old");
  std::string error;
  {
    const SmallDisk disk(100);
    error = error_of([&] { write_file(folder / "a", std::string(100000, 'x')); });
  }
  EXPECT_THAT(error, HasSubstr("a: File too large"));
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST_F(FilesTest, FoldersAppearWhole) {
  write_folder(folder / "step", [&](const fs::path& temporary) {
    EXPECT_FALSE(fs::exists(folder / "step"));
    write_file(temporary / "a", "1");
    fs::create_directory(temporary / "state");
    write_file(temporary / "state/b", "2");
  });
  EXPECT_EQ(read_file(folder / "step/a"), "1");
  EXPECT_EQ(read_file(folder / "step/state/b"), "2");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST_F(FilesTest, AFolderReplacesItsPredecessor) {
  write_folder(folder / "step", [](const fs::path& t) { write_file(t / "old", "1"); });
  write_folder((folder / "step/"), [](const fs::path& t) { write_file(t / "new", "2"); });
  EXPECT_FALSE(fs::exists(folder / "step/old"));
  EXPECT_EQ(read_file(folder / "step/new"), "2");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST_F(FilesTest, AFailedFillKeepsTheOldFolder) {
  write_folder(folder / "step", [](const fs::path& t) { write_file(t / "old", "1"); });
  EXPECT_EQ(error_of([&] {
              write_folder(folder / "step", [](const fs::path& t) {
                write_file(t / "new", "2");
                throw std::runtime_error("disk full");
              });
            }),
            "disk full");
  EXPECT_EQ(read_file(folder / "step/old"), "1");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST_F(FilesTest, WhatAKilledRunLeftIsCleared) {
  fs::create_directory(folder / ".step.partial");
  write_file(folder / ".step.partial/stale", "x");
  write_folder(folder / "step", [](const fs::path& t) { write_file(t / "a", "1"); });
  EXPECT_FALSE(fs::exists(folder / "step/stale"));
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST_F(FilesTest, APendingFolderAppearsWithItsCommitOnly) {
  {
    PendingFolder pending(folder / "made");
    write_file(pending.path() / "a", "1");
    EXPECT_FALSE(fs::exists(folder / "made"));
  }
  EXPECT_EQ(entries_in(folder.path()), 0u);
  PendingFolder pending(folder / "made");
  write_file(pending.path() / "a", "1");
  pending.commit();
  EXPECT_EQ(read_file(folder / "made/a"), "1");
}

TEST_F(FilesTest, LinksMoveInOneStep) {
  fs::create_directories(folder / "checkpoints/one");
  fs::create_directories(folder / "checkpoints/two");
  replace_link(folder / "last", "checkpoints/one");
  replace_link(folder / "last", "checkpoints/two");
  EXPECT_EQ(fs::read_symlink(folder / "last"), "checkpoints/two");
  EXPECT_TRUE(fs::exists(folder / "last"));
  EXPECT_EQ(entries_in(folder.path()), 2u);
  EXPECT_THAT(error_of([&] { replace_link(folder / "no/last", "x"); }), HasSubstr("cannot link"));
}

TEST_F(FilesTest, AGrowingFileContinuesWhereItEnded) {
  GrowingFile(folder / "log", false).append("one\n");
  GrowingFile(folder / "log", true).append("two\n");
  EXPECT_EQ(read_file(folder / "log"), "one\ntwo\n");
  EXPECT_THAT(error_of([&] { GrowingFile(folder / "log", false); }), HasSubstr("File exists"));
}

TEST_F(FilesTest, AGrowingFileEndsWithAWholeRecordWhenTheDiskIsFull) {
  GrowingFile file(folder / "log", false);
  file.append("whole record\n");
  {
    const SmallDisk disk(20);
    EXPECT_THAT(error_of([&] { file.append("too long a record\n"); }), HasSubstr("File too large"));
    EXPECT_EQ(read_file(folder / "log"), "whole record\n");
  }
  file.append("there is room again\n");
  EXPECT_EQ(read_file(folder / "log"), "whole record\nthere is room again\n");
}

}  // namespace
}  // namespace zoo

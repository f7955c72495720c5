// One call of every program that prints results, on models of one update.
#pragma once
#include <string>
#include <vector>

#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"

namespace zoo::testing {

struct ProgramCall {
  std::string program;
  std::vector<std::string> arguments;
  std::string result = {};  ///< stands on stdout
  std::string remark = {};  ///< stands on stderr; empty: nothing does
  std::string input = {};
  std::string json_row = {};  ///< its row in the table of docs/programs.md, if it has --json
  bool remark_last = true;    ///< where both go to one file
};

struct TinyTraining {
  std::string name, program;
  Flags flags;
};

/// Models, runs and texts in one folder, made when they are first asked for.
class EveryProgram {
 public:
  static const EveryProgram& get();

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  /// Of each family one or more.
  std::vector<TinyTraining> trainings() const;
  /// Two updates, an evaluation after each, in a folder of this name.
  ProgramResult train(const std::string& name, const TinyTraining& training,
                      bool merged = false) const;
  std::vector<ProgramCall> calls() const;
  ProgramResult run(const ProgramCall& call, const std::vector<std::string>& more = {},
                    bool merged = false) const;

 private:
  EveryProgram();
  void save_vit() const;
  void write_data() const;

  TemporaryFolder folder_;
};

}  // namespace zoo::testing

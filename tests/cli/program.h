// Runs the real program (or the one with fake families) as a user would, in a folder of its own.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace sb {

struct Finished {
  int exit_code = -1;  // 128 + signal if it was killed
  std::string out;
  std::string err;
};

// A folder that is the program's working directory and goes away with it. The environment has no
// SOFTMAX_BENCH_* of the caller; ceilings are left out, because measuring them takes seconds.
class Workspace {
 public:
  using Environment = std::map<std::string, std::string>;

  Workspace() {
    std::string name = std::filesystem::temp_directory_path() / "sb_cli_XXXXXX";
    dir_ = mkdtemp(name.data());
  }
  ~Workspace() { std::filesystem::remove_all(dir_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  std::filesystem::path path(const std::string& name) const { return dir_ / name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  Finished run(const std::vector<std::string>& arguments, const Environment& more = {},
               const char* program = SB_FAKE_PROGRAM) const {
    return wait(start(arguments, more, program));
  }

  // In two steps, to interfere in between.
  pid_t start(const std::vector<std::string>& arguments, const Environment& more = {},
              const char* program = SB_FAKE_PROGRAM) const {
    const pid_t pid = fork();
    if (pid != 0) return pid;
    const bool entered = chdir(dir_.c_str()) == 0;
    redirect("stdout", STDOUT_FILENO);
    redirect("stderr", STDERR_FILENO);
    std::vector<std::string> words = {program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    set_environment(more);
    if (entered) execv(program, argv.data());
    _exit(99);
  }

  Finished wait(pid_t pid) const {
    int status = 0;
    waitpid(pid, &status, 0);
    const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return {code, read("stdout"), read("stderr")};
  }

 private:
  void redirect(const char* name, int fd) const {
    dup2(open(path(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), fd);
  }

  static void set_environment(const Environment& more) {
    std::vector<std::string> inherited;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string text = *entry;
      if (text.starts_with("SOFTMAX_BENCH_")) inherited.push_back(text.substr(0, text.find('=')));
    }
    for (const std::string& name : inherited) unsetenv(name.c_str());
    setenv("SOFTMAX_BENCH_PEAKS", "none", 1);
    for (const auto& [name, value] : more) setenv(name.c_str(), value.c_str(), 1);
  }

  std::filesystem::path dir_;
};

}  // namespace sb

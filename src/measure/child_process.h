// A process that is talked to in lines: requests on its stdin, replies on a descriptor of its own,
// so that whatever a kernel or a library prints cannot be taken for a reply; or, where the other
// side is not ours, on its stdout.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace sb {

class ChildProcess {
 public:
  static constexpr int kReplies = 3;  // the descriptor that the child writes its lines to

  struct Inherited {
    int here;   // descriptor of this process
    int there;  // what the child sees it as; > kReplies and < 100
  };

  struct Options {
    int replies = kReplies;                          // or STDOUT_FILENO
    std::map<std::string, std::string> environment;  // on top of ours
  };

  // Starts argv[0], found as a shell would. Its stdout goes to our stderr unless it replies there,
  // and it is a process group of its own: Ctrl-C is the parent's to judge. Throws
  // std::runtime_error "PROGRAM: cannot be started: cause".
  explicit ChildProcess(const std::vector<std::string>& argv,
                        const std::vector<Inherited>& inherited = {})
      : ChildProcess(argv, inherited, Options()) {}
  ChildProcess(const std::vector<std::string>& argv, const std::vector<Inherited>& inherited,
               const Options& options);
  ~ChildProcess();  // kills its group, and waits for it
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // False if nobody reads any more. Gives up after ten seconds on a child that does not read.
  bool write_line(const std::string& line);
  void close_input();

  pid_t pid() const { return pid_; }
  void signal_group(int signal) const;  // SIGSTOP, SIGCONT

  enum class Heard { kLine, kNothing, kEnd };
  // kNothing: `wait_ms` passed, or a signal came. kEnd: the child has closed its side. Throws
  // std::runtime_error on a line that is longer than any reply.
  Heard read_line(std::string& line, int wait_ms);

  // Waits for the end, a second at most or as told, then kills. "signal 11 (Segmentation fault)",
  // "exit status 3", "closed its replies but went on".
  std::string wait_for_end(int seconds = 1);
  bool exited_with(int status) const { return ended_ && status_ == status << 8; }

 private:
  void spawn(const std::vector<std::string>& argv, const std::vector<Inherited>& inherited,
             const Options& options, int stdin_end, int replies_end);

  int requests_ = -1;
  int replies_ = -1;
  pid_t pid_ = -1;
  bool ended_ = false;  // and has been waited for
  int status_ = 0;
  std::string buffer_;
  std::size_t searched_ = 0;  // no end of line before this
};

}  // namespace sb

#include "ptx/source.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace sb::ptx {
namespace {

constexpr std::string_view kBlank = " \t\n\r";

std::string_view trimmed(std::string_view s) {
  const auto first = s.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(kBlank) - first + 1);
}

// The first word, taken off the front of `rest`.
std::string_view take_word(std::string_view& rest) {
  rest = trimmed(rest);
  const std::string_view word = rest.substr(0, rest.find_first_of(kBlank));
  rest = trimmed(rest.substr(word.size()));
  return word;
}

int number_of(std::string_view digits) {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// At commas outside of {} and [].
std::vector<std::string_view> split_operands(std::string_view s) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= s.size(); ++i) {
    if (i == s.size() || (s[i] == ',' && depth == 0)) {
      if (const auto part = trimmed(s.substr(begin, i - begin)); !part.empty()) {
        parts.push_back(part);
      }
      begin = i + 1;
    } else {
      depth += (s[i] == '{' || s[i] == '[') - (s[i] == '}' || s[i] == ']');
    }
  }
  return parts;
}

std::vector<std::string_view> split_opcode(std::string_view s) {
  std::vector<std::string_view> parts;
  for (std::size_t dot = s.find('.'); dot != std::string_view::npos; dot = s.find('.')) {
    parts.push_back(s.substr(0, dot));
    s.remove_prefix(dot + 1);
  }
  parts.push_back(s);
  return parts;
}

std::size_t bytes_of_type(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 4> kBytes = {
      {{"8", 1}, {"16", 2}, {"32", 4}, {"64", 8}}};
  for (const auto& [digits, bytes] : kBytes) {
    if (type.size() == digits.size() + 2 && type.ends_with(digits)) return bytes;
  }
  throw Refused("PTX: no type: " + std::string(type));
}

// ".param .align 8 .b8 name[24]", ".shared .align 16 .b8 name[1024]", "... name[]"
Declaration declaration(std::string_view text) {
  Declaration d;
  while (!text.empty()) {
    const std::string_view word = take_word(text);
    if (word == ".align") {
      d.align = static_cast<std::size_t>(number_of(take_word(text)));
    } else if (word == ".ptr") {  // what a pointer points to
      while (text.starts_with('.')) {
        if (take_word(text) == ".align") take_word(text);
      }
    } else if (word[0] != '.') {
      const auto bracket = word.find('[');
      d.name = word.substr(0, bracket);
      if (bracket != std::string_view::npos) {
        d.bytes *= static_cast<std::size_t>(number_of(word.substr(bracket + 1)));
      }
    } else if (word != ".param" && word != ".shared" && word != ".extern") {
      d.bytes = bytes_of_type(word);
      d.align = std::max(d.align, d.bytes);
    }
  }
  return d;
}

// A // comment becomes blanks, so that lines and offsets stay.
std::string without_comments(std::string text) {
  for (auto at = text.find("//"); at != std::string::npos; at = text.find("//", at)) {
    for (; at < text.size() && text[at] != '\n'; ++at) text[at] = ' ';
  }
  return text;
}

class EntryReader {
 public:
  EntryReader(Entry& entry, std::string_view body) : entry_(entry), rest_(body) {}

  void read() {
    const auto close = rest_.find(')');
    for (const auto p : split_operands(rest_.substr(1, close - 1))) {
      entry_.parameters.push_back(declaration(p));
    }
    rest_.remove_prefix(rest_.find('{') + 1);
    while (!(rest_ = trimmed(rest_)).empty()) read_item();
  }

 private:
  void read_item() {
    if (rest_[0] == '{' || rest_[0] == '}') return rest_.remove_prefix(1);  // a scope
    if (rest_.starts_with(".loc")) return read_location();
    const auto word_end = rest_.find_first_of(" \t\n;:");
    if (rest_[0] == '$' && rest_[word_end] == ':') {
      entry_.labels[rest_.substr(0, word_end)] = entry_.statements.size();
      return rest_.remove_prefix(word_end + 1);
    }
    const auto end = rest_.find(';');
    if (end == std::string_view::npos) throw Refused("PTX: no ; after " + std::string(rest_));
    read_statement(trimmed(rest_.substr(0, end)));
    rest_.remove_prefix(end + 1);
  }

  // .loc file line column [, function_name label, inlined_at file line column]
  void read_location() {
    const auto end = rest_.find('\n');
    std::string_view words = rest_.substr(0, end);
    take_word(words);
    file_ = number_of(take_word(words));
    line_ = number_of(take_word(words));
    rest_.remove_prefix(end);
  }

  void read_statement(std::string_view text) {
    if (text.empty() || text.starts_with(".pragma")) return;
    if (text.starts_with(".reg")) return read_registers(text);
    if (text.starts_with(".shared")) return entry_.shared.push_back(declaration(text));
    if (text[0] == '.') throw Refused("PTX: unknown directive: " + std::string(text));
    Statement s{.text = text, .file = file_, .line = line_};
    std::string_view rest = text;
    if (rest[0] == '@') {
      s.guard = take_word(rest).substr(1);
      s.guard_negated = s.guard.starts_with('!');
      if (s.guard_negated) s.guard.remove_prefix(1);
    }
    s.opcode = split_opcode(take_word(rest));
    s.operands = split_operands(rest);
    entry_.statements.push_back(std::move(s));
  }

  // .reg .b32 %r<158>, %other
  void read_registers(std::string_view text) {
    take_word(text);
    take_word(text);
    for (const auto name : split_operands(text)) entry_.registers.push_back(name);
  }

  Entry& entry_;
  std::string_view rest_;
  int file_ = 0, line_ = 0;
};

// The end of the kernel whose first "{" is at or after `at`.
std::size_t end_of_body(std::string_view text, std::size_t at) {
  int depth = 0;
  for (at = text.find('{', at); at < text.size(); ++at) {
    depth += (text[at] == '{') - (text[at] == '}');
    if (depth == 0) return at;
  }
  throw Refused("PTX: a kernel without an end");
}

}  // namespace

Source::Source(std::string text) : text_(without_comments(std::move(text))) { read_module(); }

void Source::read_module() {
  const std::string_view all = text_;
  std::size_t at = 0;
  while ((at = all.find_first_not_of(kBlank, at)) != std::string_view::npos) {
    std::string_view rest = all.substr(at);
    const std::string_view line = rest.substr(0, rest.find_first_of("\n;"));
    if (line.find(".entry") < line.find('(')) {
      std::string_view head = rest.substr(rest.find(".entry") + 6);
      head = trimmed(head.substr(0, head.find('(')));
      const std::size_t open = all.find('(', at), end = end_of_body(all, open);
      bodies_[head] = all.substr(open, end - open);
      at = end + 1;
      continue;
    }
    if (line.find(".func") != std::string_view::npos) {  // who calls it is refused
      const std::size_t semicolon = all.find(';', at), body = all.find('{', at);
      at = 1 + (semicolon < body ? semicolon : end_of_body(all, at));
      continue;
    }
    if (line.starts_with(".shared") || line.starts_with(".extern .shared")) {
      shared_.push_back(declaration(line));
    } else if (line.starts_with(".file")) {
      std::string_view words = line.substr(5);
      const int number = number_of(take_word(words));
      const auto quote = words.find('"') + 1;
      files_[number] = words.substr(quote, words.find('"', quote) - quote);
    } else if (line.starts_with(".section")) {
      at = end_of_body(all, at) + 1;
      continue;
    }
    at += line.size() + (at + line.size() < all.size() ? 1 : 0);
  }
}

std::vector<std::string_view> Source::names() const {
  std::vector<std::string_view> all;
  for (const auto& [name, body] : bodies_) all.push_back(name);
  return all;
}

Entry Source::entry(std::string_view kernel) const {
  const std::string_view body = bodies_.at(kernel);
  Entry entry{.name = bodies_.find(kernel)->first};
  entry.shared = shared_;
  EntryReader(entry, body).read();
  return entry;
}

std::string_view Source::file(int number) const {
  const auto known = files_.find(number);
  return known == files_.end() ? std::string_view() : known->second;
}

}  // namespace sb::ptx

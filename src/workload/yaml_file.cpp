#include "workload/yaml_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace sb {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;  // a workload is text that somebody wrote

// Up to one byte more than allowed, so that an endless device ends as well.
bool read_text(const std::string& file, std::string& text, YamlErrors& errors) {
  if (std::error_code ignored; std::filesystem::is_directory(file, ignored)) {
    errors.add("is a directory; name a workload file in it");
    return false;
  }
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    errors.add(fmt::format("cannot be read: {}", std::strerror(errno)));
    return false;
  }
  text.resize(kMostBytes + 1);
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMostBytes) {
    errors.add("is larger than 1 MiB; a workload file is a page of text");
    return false;
  }
  return true;
}

// Length of the UTF-8 sequence that starts here, 0 if it is none.
std::size_t utf8_length(std::string_view rest) {
  const auto byte = static_cast<unsigned char>(rest[0]);
  const std::size_t length = byte < 0x80   ? 1
                             : byte < 0xC2 ? 0
                             : byte < 0xE0 ? 2
                             : byte < 0xF0 ? 3
                             : byte < 0xF5 ? 4
                                           : 0;
  if (length > rest.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(rest[i]) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// yaml-cpp takes control characters and broken UTF-8 for text, and fails on them in odd places.
bool is_text(std::string_view text, YamlErrors& errors) {
  YAML::Mark mark;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool control = byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t';
    if (length == 0 || control || byte == 0x7F) {
      errors.add(mark, fmt::format("byte 0x{:02x} is not text; a workload is a UTF-8 text file",
                                   static_cast<unsigned>(byte)));
      return false;
    }
    ++mark.column;
    if (byte == '\n') {
      ++mark.line;
      mark.column = 0;
    }
    i += length;
  }
  return true;
}

// yaml-cpp takes an indenting tab for a part of the key behind it and complains elsewhere.
bool has_no_indenting_tabs(std::string_view text, YamlErrors& errors) {
  YAML::Mark mark;
  for (std::size_t begin = 0; begin < text.size(); ++mark.line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    const std::size_t tab = line.find('\t');
    const std::size_t word = line.find_first_not_of(" \t\r");
    if (word != std::string_view::npos && tab < word) {
      mark.column = static_cast<int>(tab);
      errors.add(mark, "a tab indents this line; YAML indents with spaces");
      return false;
    }
    begin = end + 1;
  }
  return true;
}

}  // namespace

void YamlErrors::add(const std::string& what) { all_.push_back(file_ + ": " + what); }

void YamlErrors::add(const YAML::Mark& mark, const std::string& what) {
  all_.push_back(place(mark) + ": " + what);
}

std::string YamlErrors::place(const YAML::Mark& mark) const {
  if (mark.is_null()) return file_;
  return fmt::format("{}:{}:{}", file_, mark.line + 1, mark.column + 1);
}

YAML::Node read_yaml(const std::string& file, YamlErrors& errors) {
  std::string text;
  return read_text(file, text, errors) ? parse_yaml(text, errors) : YAML::Node();
}

YAML::Node parse_yaml(const std::string& text, YamlErrors& errors) {
  if (!is_text(text, errors) || !has_no_indenting_tabs(text, errors)) return {};
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.empty() || (documents.size() == 1 && documents[0].IsNull())) {
      errors.add("is empty; it needs a workload: name, op, sweep");
      return {};
    }
    if (documents.size() > 1) {
      errors.add(documents[1].Mark(), "a second document; put several workloads into one list");
      return {};
    }
    return documents[0];
  } catch (const YAML::Exception& error) {
    errors.add(error.mark, "not YAML: " + error.msg);
  }
  return {};
}

}  // namespace sb

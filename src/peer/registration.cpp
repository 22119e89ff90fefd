#include "peer/registration.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "core/registry.h"
#include "core/row.h"
#include "peer/external_kernel.h"

namespace sb {
namespace {

using nlohmann::json;

constexpr Dtype kAllDtypes[] = {Dtype::kF32, Dtype::kBf16, Dtype::kF16,
                                Dtype::kF64, Dtype::kI32,  Dtype::kI64};

// What the operation's family grants to the libraries in this process, it grants to those outside:
// they add up as they like. Null where no library is built in.
std::function<double(const Problem&)> library_tolerance(std::string_view op) {
  for (const Variant* variant : Registry::instance().variants_of(op)) {
    if (variant->isa == Isa::kNative && variant->tolerance_factor) return variant->tolerance_factor;
  }
  return nullptr;
}

Variant external_variant(const PeerSpec& spec, std::string op, std::string name) {
  return {.op = std::move(op),
          .name = std::move(name),
          .isa = Isa::kNative,
          .dtypes = {std::begin(kAllDtypes), std::end(kAllDtypes)},
          .summary = "external peer " + spec.name,
          .external = true,
          .source = fmt::format("{}", fmt::join(spec.command, " "))};
}

// Its only kernel is the reason why there is none.
void register_failure(const PeerSpec& spec, const std::vector<WantedVariant>& wanted,
                      const KernelFailure& failure) {
  for (const WantedVariant& want : wanted) {
    if (!want.glob.starts_with(spec.name + ":")) continue;
    const auto known = Registry::instance().variants_of(want.op);
    const bool there = std::any_of(known.begin(), known.end(),
                                   [&](const Variant* v) { return selects(want.glob, *v); });
    if (there) continue;
    Variant variant = external_variant(spec, want.op, want.glob);
    if (failure.status() == status::kSkipped) {
      variant.why_not = [why = std::string(failure.what())](const Problem&) { return why; };
    }
    variant.make = [failure](const Problem&) -> std::unique_ptr<Kernel> { throw failure; };
    Registry::instance().add(std::move(variant));
  }
}

std::vector<Dtype> dtypes_of(const json& kernel) {
  std::vector<Dtype> dtypes;
  for (const json& word : kernel.at("dtypes")) {
    Dtype dtype;
    if (parse_dtype(word.get<std::string>(), dtype)) dtypes.push_back(dtype);
  }
  return dtypes;
}

void register_kernel(const std::shared_ptr<Connection>& peer, const json& hello,
                     const json& kernel) {
  const Operation* op = Registry::instance().find_operation(kernel.at("op").get<std::string>());
  if (op == nullptr) return;  // of a newer program
  const std::string name = kernel.at("name");
  Variant variant =
      external_variant(peer->spec(), std::string(op->name()), peer->spec().name + ":" + name);
  variant.dtypes = dtypes_of(kernel);
  variant.versions = versions_text(hello);
  variant.tolerance_factor = library_tolerance(op->name());
  if (kernel.contains("summary")) variant.summary = kernel.at("summary");
  if (hello.contains("unavailable")) {
    variant.why_not = [why = hello.at("unavailable").get<std::string>()](const Problem&) {
      return why;
    };
  }
  variant.make = [peer, op, name](const Problem& problem) -> std::unique_ptr<Kernel> {
    return std::make_unique<ExternalKernel>(peer, *op, name, problem);
  };
  Registry::instance().add(std::move(variant));
}

}  // namespace

std::string versions_text(const json& hello) {
  std::string text;
  const json versions = hello.value("versions", json::object());
  for (const auto& [name, version] : versions.items()) {
    const std::string what = version.is_string() ? version.get<std::string>() : version.dump();
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, what);
  }
  return text;
}

void register_unstarted(const PeerSpec& spec, const std::vector<WantedVariant>& wanted,
                        const std::string& why) {
  register_failure(spec, wanted, KernelFailure(status::kSkipped, why));
}

json register_peer(const std::shared_ptr<Connection>& peer,
                   const std::vector<WantedVariant>& wanted) {
  const PeerSpec& spec = peer->spec();
  json described = {{"command", spec.command}, {"env", spec.env}};
  try {
    const json hello = peer->hello();
    described["hello"] = hello;
    try {
      for (const json& kernel : hello.at("kernels")) register_kernel(peer, hello, kernel);
    } catch (const std::exception& error) {  // a key is missing, a kernel is there twice
      throw KernelFailure(status::kCrashed,
                          fmt::format("peer {}: its hello is not what the protocol asks for: {}",
                                      spec.name, error.what()));
    }
  } catch (const KernelFailure& failure) {
    described["failure"] = failure.what();
    register_failure(spec, wanted, failure);
  }
  return described;
}

}  // namespace sb

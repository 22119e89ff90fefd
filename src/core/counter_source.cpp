#include "core/counter_source.h"

namespace sb {

std::vector<CounterProvider>& counter_providers() {
  static std::vector<CounterProvider> providers;
  return providers;
}

CounterRegistration::CounterRegistration(CounterProvider provider) {
  counter_providers().push_back(std::move(provider));
}

}  // namespace sb

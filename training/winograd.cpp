// The transforms of Winograd's F(4x4, 3x3) for channels-last pictures; see winograd.py.
#include <torch/extension.h>

#include <algorithm>
#include <optional>

namespace {

constexpr int kLanes = 8;
constexpr int kOut = 4;                // side of a tile of results
constexpr int kIn = kOut + 2;          // side of the input of a tile
constexpr int kPlaces = kIn * kIn;     // multiplications of a tile for each pair of channels

typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float)), aligned(sizeof(float))));

Lanes load(const float* at) { return *reinterpret_cast<const Lanes*>(at); }
void store(float* at, Lanes value) { *reinterpret_cast<Lanes*>(at) = value; }

// The three transforms along one line of a tile, in place; `step` lies between its values.

void transform_input(Lanes* d, int step) {
  const Lanes a0 = d[0], a1 = d[step], a2 = d[2 * step];
  const Lanes a3 = d[3 * step], a4 = d[4 * step], a5 = d[5 * step];
  const Lanes even = a4 - 4 * a2, odd = a3 - 4 * a1, near = a4 - a2, twice = 2 * (a3 - a1);
  d[0] = 4 * a0 - 5 * a2 + a4;
  d[step] = even + odd;
  d[2 * step] = even - odd;
  d[3 * step] = near + twice;
  d[4 * step] = near - twice;
  d[5 * step] = 4 * a1 - 5 * a3 + a5;
}

void transform_output(Lanes* d, int step) {
  const Lanes sum = d[step] + d[2 * step], difference = d[step] - d[2 * step];
  const Lanes sum2 = d[3 * step] + d[4 * step], difference2 = d[3 * step] - d[4 * step];
  d[0] = d[0] + sum + sum2;
  d[step] = difference + 2 * difference2;
  d[2 * step] = sum + 4 * sum2;
  d[3 * step] = difference + 8 * difference2 + d[5 * step];
}

void transform_gradient(Lanes* d, int step) {
  const Lanes even = d[0] + d[2 * step], odd = d[step] + d[3 * step];
  const Lanes even2 = d[0] + 4 * d[2 * step], odd2 = 2 * d[step] + 8 * d[3 * step];
  d[5 * step] = d[3 * step];
  d[step] = even + odd;
  d[2 * step] = even - odd;
  d[3 * step] = even2 + odd2;
  d[4 * step] = even2 - odd2;
}

// The place in its picture where a tile of results starts.
struct Place {
  int64_t image, top, left;
};

Place place_of(int64_t tile, int64_t h, int64_t w) {
  const int64_t down = h / kOut, across = w / kOut;
  return {tile / (down * across), tile / across % down * kOut, tile % across * kOut};
}

// (N, C, H, W) -> (36, N * H/4 * W/4, C): each tile with a border of zeros or neighbours, transformed.
template <void (*transform)(Lanes*, int), int kBorder>
torch::Tensor tiles_of(const torch::Tensor& pictures) {
  constexpr int kSide = kOut + 2 * kBorder;
  const int64_t n = pictures.size(0), c = pictures.size(1);
  const int64_t h = pictures.size(2), w = pictures.size(3);
  const int64_t tiles = n * (h / kOut) * (w / kOut);
  auto result = torch::empty({kPlaces, tiles, c}, torch::kFloat);
  const float* from = pictures.const_data_ptr<float>();
  float* to = result.data_ptr<float>();
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const Place at = place_of(tile, h, w);
    const int64_t top = at.top - kBorder, left = at.left - kBorder;
    for (int64_t channel = 0; channel < c; channel += kLanes) {
      Lanes d[kPlaces] = {};
      for (int64_t y = std::max<int64_t>(top, 0); y < std::min(top + kSide, h); ++y)
        for (int64_t x = std::max<int64_t>(left, 0); x < std::min(left + kSide, w); ++x)
          d[(y - top) * kIn + x - left] = load(from + ((at.image * h + y) * w + x) * c + channel);
      for (int column = 0; column < kSide; ++column) transform(d + column, kIn);
      for (int row = 0; row < kIn; ++row) transform(d + row * kIn, 1);
      for (int place = 0; place < kPlaces; ++place)
        store(to + (place * tiles + tile) * c + channel, d[place]);
    }
  }
  return result;
}

// (36, N * H/4 * W/4, C) products -> (N, C, H, W) results, channels last, plus a bias (C,).
torch::Tensor results(const torch::Tensor& products, int64_t n, int64_t h, int64_t w,
                      const std::optional<torch::Tensor>& bias) {
  const int64_t tiles = products.size(1), c = products.size(2);
  auto result = torch::empty({n, c, h, w}, torch::dtype(torch::kFloat)
                                               .memory_format(torch::MemoryFormat::ChannelsLast));
  const float* from = products.const_data_ptr<float>();
  float* to = result.data_ptr<float>();
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const Place at = place_of(tile, h, w);
    for (int64_t channel = 0; channel < c; channel += kLanes) {
      Lanes d[kPlaces];
      for (int place = 0; place < kPlaces; ++place)
        d[place] = load(from + (place * tiles + tile) * c + channel);
      for (int column = 0; column < kIn; ++column) transform_output(d + column, kIn);
      for (int row = 0; row < kOut; ++row) transform_output(d + row * kIn, 1);
      const Lanes added = bias ? load(bias->const_data_ptr<float>() + channel) : Lanes{};
      for (int y = 0; y < kOut; ++y)
        for (int x = 0; x < kOut; ++x)
          store(to + ((at.image * h + at.top + y) * w + at.left + x) * c + channel,
                d[y * kIn + x] + added);
    }
  }
  return result;
}

}  // namespace

PYBIND11_MODULE(TORCH_EXTENSION_NAME, module) {
  module.def("input_tiles", &tiles_of<transform_input, 1>);
  module.def("gradient_tiles", &tiles_of<transform_gradient, 0>);
  module.def("results", &results);
}

// (placeholder until the layer stands)
export {};

// What `npm run specs` checks: each specification of specs/ as it is built, and with rules left
// out, which the checker must notice.

/** One check of one specification, at constants small enough to reach every state. */
export interface SpecRun {
  readonly spec: "EzBFT" | "Dester";
  /** What is checked, in few words. */
  readonly variant: string;
  /** Those that differ from the specification's .cfg file, as they would be written there. */
  readonly constants: Readonly<Record<string, string>>;
  /** The only invariant to check, where a variant violates several; otherwise all of the .cfg. */
  readonly only?: string;
  /** The invariant that must be found violated; null: none may be. */
  readonly expected: string | null;
  /** The test suite leaves the large ones to `npm run specs -- --large`. */
  readonly large?: true;
}

/** A slot that is disputed between two commands, and nothing else. */
const disputed = { Conflict: "FALSE", Names: "{1, 2}" };
/** R2 lies instead of R0. */
const lyingHelper = { OwnerLies: "FALSE", Helpers: "{r1}" };

/** All rules of ezBFT that may be left out. */
const all = ["a", "b", "c", "d"];

/** With rules left out, by the names that the specification gives them. */
const without = (
  rules: readonly string[],
  variant: string,
  expected: string,
  constants: SpecRun["constants"] = {},
) => {
  const Dropped = `{${rules.map((rule) => `"${rule}"`).join(", ")}}`;
  return { variant, constants: { ...constants, Dropped }, expected };
};

const ezbft: readonly Omit<SpecRun, "spec">[] = [
  { variant: "as built: a lying owner, one slot", constants: disputed, expected: null },
  { variant: "as built: a lying owner, two slots", constants: {}, expected: null },
  ...[
    without(all, "as printed: one message decides (E1)", "OneCommand", disputed),
    without(all, "as printed: two certificates (E2)", "OneOrder"),
    without(["a"], "without (a): speculation is not gated (E3)", "FastResult"),
    without(["b"], "without (b): the largest S counts (E2)", "FastResult"),
    without(["c"], "without (c): certificates decide (E1)", "OneCommand", disputed),
    without(["d"], "without (d): an edge is lost (E4)", "OneOrder"),
  ].map((run) => ({ ...run, only: run.expected })),
  {
    variant: "as built: a lying helper, two slots",
    constants: lyingHelper,
    expected: null,
    large: true,
  },
  {
    variant: "as built: two slots, one of them disputed",
    constants: { Names: "{1, 2}" },
    expected: null,
    large: true,
  },
  {
    variant: "as built: a lying owner that raises S",
    constants: { OwnerS: "{1, 2}", MaxS: "4" },
    expected: null,
    large: true,
  },
];

const dester: readonly Omit<SpecRun, "spec">[] = [
  { variant: "as built", constants: {}, expected: null },
  {
    variant: "as built: other owner and partner",
    constants: { OwnerB: "2", Partners: "{2}" },
    expected: null,
    large: true,
  },
  without(["noexcl"], "noexcl: DECIDE and ACCEPT in one view", "Agreement"),
  without(["nodisclose"], "nodisclose: DECIDE is not in the dump", "Agreement"),
  without(["nocount"], "nocount: no recovery rule 5", "Agreement"),
  without(["everyone"], "everyone: the partner decides too (D1)", "Agreement"),
  without(["norecord"], "norecord: acknowledged, not recorded (D2)", "Edges"),
  {
    variant: "as built: any partner",
    constants: { Partners: "{1, 2}" },
    expected: null,
    large: true,
  },
  {
    variant: "as built: both spaces change views",
    constants: { LastB: "1" },
    expected: null,
    large: true,
  },
  { variant: "as built: three views", constants: { LastA: "2" }, expected: null, large: true },
];

/** All of them, in the order in which they are run. */
export const specRuns: readonly SpecRun[] = [
  ...ezbft.map((run) => ({ spec: "EzBFT" as const, ...run })),
  ...dester.map((run) => ({ spec: "Dester" as const, ...run })),
];

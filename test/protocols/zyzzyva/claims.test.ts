// What Zyzzyva's claims refuse: for each of their checks a lie that this check alone stands
// against. R0 leads view 0.

import { zyzzyvaMutants } from "../../../mutants/index.js";
import { zyzzyvaForging } from "../../../src/adversaries/index.js";
import {
  type Certificate,
  firstView,
  type Point,
  type Report,
  type ZyzzyvaMessage,
} from "../../../src/protocols/zyzzyva/index.js";
import { type Lie, nobodyBelieves } from "../claims-support.js";
import { bytesOf, nothing, requestsAt, type World, zyzzyva } from "./support.js";

type Member = ReturnType<typeof zyzzyvaForging>;

/** Liars, and what R0 orders first, in view 0. */
function castOf(world: World) {
  world.submit(0, [bytesOf("a")], { to: [0] });
  world.settle();
  const batch = requestsAt(world.liar(0));
  const [r0, r1, r2] = [0, 1, 2].map((id) => zyzzyvaForging(world.liar(id).context));
  return { r0: r0!, r1: r1!, r2: r2!, batch, first: r0!.order(0, 1, nothing, batch) };
}

type Cast = ReturnType<typeof castOf>;

/** What these replicas signed that they executed. */
function certificate({ view, order, history }: Point, members: readonly Member[]): Certificate {
  const signatures = members
    .map((member) => member.reached({ view, order, history }))
    .map(({ replica, proof }) => ({ replica, proof }));
  return { view, order, history, signatures };
}

/** A client shows a certificate, or somebody in its name. */
const shown = (one: Certificate): ZyzzyvaMessage => ({
  kind: "commit",
  client: 0,
  session: 1,
  number: 1,
  certificate: one,
});

const viewChange = (member: Member, told: Partial<Report>): ZyzzyvaMessage => ({
  kind: "view-change",
  ...member.report({
    to: 2,
    stable: { order: 0, digest: nothing, statements: [] },
    established: firstView,
    start: nothing,
    base: [],
    ordered: [],
    commit: [],
    ...told,
  }),
});

const lies: readonly Lie<ZyzzyvaMessage, Cast, keyof typeof zyzzyvaMutants>[] = [
  {
    about: "an order of another than the leader",
    mutant: "order-unsigned",
    say: ({ r1, batch }) => ({ kind: "order-req", ...r1.order(0, 1, nothing, batch) }),
  },
  {
    about: "what another says it executed",
    mutant: "reached-unsigned",
    say: ({ r1, first: { view, order, history } }) => ({
      kind: "reached",
      ...r1.reached({ view, order, history }),
      replica: 2,
    }),
  },
  {
    about: "a certificate of one too few",
    mutant: "certificates-unsigned",
    say: ({ r0, r1, first }) => shown(certificate(first, [r0, r1])),
  },
  {
    about: "a certificate in which one stands in another's name",
    mutant: "signatures-unchecked",
    say({ r0, r1, first }) {
      const { signatures, ...point } = certificate(first, [r0, r1]);
      return shown({ ...point, signatures: [...signatures, { ...signatures[1]!, replica: 2 }] });
    },
  },
  {
    about: "a report whose orders do not lead to its certificate",
    mutant: "history-incoherent",
    say: ({ r0, r1, r2, first }) => viewChange(r1, { commit: [certificate(first, [r0, r1, r2])] }),
  },
  {
    about: "a report of an order that its leader did not sign",
    mutant: "reported-orders-unsigned",
    say({ r1, batch }) {
      const { batch: digest, proof } = r1.order(0, 1, nothing, batch);
      return viewChange(r1, { ordered: [{ batch: digest, proof }] });
    },
  },
  {
    about: "a report of a certificate of another view",
    mutant: "certificate-of-any-view-reported",
    say({ r0, r1, r2, first: { order, history, batch, proof } }) {
      const commit = certificate({ view: 1, order, history }, [r0, r1, r2]);
      return viewChange(r1, { ordered: [{ batch, proof }], commit: [commit] });
    },
  },
  {
    about: "that the same order twice is a proof of misbehaviour",
    mutant: "misbehaviour-unproven",
    say: ({ first: { view, order, history, batch, proof } }) => {
      const one = { view, order, history, batch, proof };
      return { kind: "misbehaviour", one, other: one };
    },
  },
];

nobodyBelieves({ protocol: zyzzyva, n: 4, mutants: zyzzyvaMutants, castOf }, lies);

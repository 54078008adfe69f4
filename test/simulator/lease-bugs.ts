// The rules of leases (decision 0008), each taken out by an override of one method.

import { origin, type Position } from "../../src/core/index.js";
import { ModelLeases } from "../../src/simulator/index.js";

/** Itself among the f+1 that tell it what it had: f others are enough. */
class CountsItself extends ModelLeases {
  protected override readersNeeded(): number {
    return this.options.f;
  }
}

/** Itself among the f that record a lease: f-1 others are enough. */
class GrantsItself extends ModelLeases {
  protected override grantersNeeded(): number {
    return this.options.f - 1;
  }
}

/** Answers of lives that have been followed by another count. */
class CountsSuperseded extends ModelLeases {
  protected override isLatest(): boolean {
    return true;
  }
}

/** A life that was followed by another is granted leases all the same. */
class ServesSuperseded extends ModelLeases {
  protected override isSuperseded(): boolean {
    return false;
  }
}

/** Answers to an earlier life count. */
class TakesOldAnswers extends ModelLeases {
  protected override isMeant({ to }: { readonly to: number }): boolean {
    return to === this.options.instance;
  }
}

/** A life that has not been told anything answers others as if it knew. */
class AnswersInactive extends ModelLeases {
  protected override mayAnswer(): boolean {
    return true;
  }
}

/** It goes on below what was recorded. */
class ResumesBelow extends ModelLeases {
  protected override resumption(): Position {
    return origin;
  }
}

/** After a restart it no longer holds what others had it record. */
class ForgetsOthers extends ModelLeases {
  protected override takeOver(instance: number, limits: readonly Position[]): void {
    if (instance === this.options.instance) super.takeOver(instance, limits);
  }
}

/** It asks without recording what it asks for. */
class AsksUnrecorded extends ModelLeases {
  protected override recordOwn(): void {}
}

export const leaseBugs = {
  CountsItself,
  GrantsItself,
  CountsSuperseded,
  ServesSuperseded,
  TakesOldAnswers,
  AnswersInactive,
  ResumesBelow,
  ForgetsOthers,
  AsksUnrecorded,
};

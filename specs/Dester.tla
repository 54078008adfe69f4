------------------------------- MODULE Dester -------------------------------
(* Dester with n = 3 (f = 1): two interfering commands, A in slot 0 of R0's    *)
(* space and B in slot 0 of another's. Trusted modules are honest, everything  *)
(* else is hostile: any certificate ever issued may reach anybody at any time, *)
(* or never, and any module may be told to leave a view or to start the next.  *)
(*                                                                             *)
(* There are no messages here. A certificate says what its module recorded,    *)
(* records are never erased, and a host can neither forge nor alter one; so    *)
(* "there is a certificate" and "the module has the record" are the same.      *)
(* specs/README.md says what else is left out, and why.                        *)
EXTENDS Naturals

CONSTANTS
  LastA, LastB,  \* the last view of each command's space
  OwnerB,        \* who owns B's space: 1 or 2
  Partners,      \* whom a PROPOSE may name as partner, counted from its leader: a part of {1, 2}
  Dropped        \* the rules to leave out, by name; {} is Dester as it is built

ASSUME OwnerB \in {1, 2} /\ Partners \subseteq {1, 2} /\ Partners # {}

VARIABLES
  view,     \* view[c][m]: the view of c's space at module m
  commit,   \* commit[c][v][m]: the dependencies in m's COMMIT (the leader's: in its PROPOSE)
  partner,  \* partner[c][v]: named by the PROPOSE of view v
  newView,  \* newView[c][v]: what the NEWVIEW of v orders: a value, or to propose again
  decide,   \* decide[c][v]: the value of the leader's DECIDE
  accept,   \* accept[c][v]: the value of the leader's ACCEPT, which is also its FINALIZE
  final     \* final[c][v][m]: the value of m's FINALIZE

vars == <<view, commit, partner, newView, decide, accept, final>>

Modules == 0..2
Nobody == 3
Commands == {"A", "B"}
Other == [A |-> "B", B |-> "A"]
Last == [A |-> LastA, B |-> LastB]
Views == [c \in Commands |-> 0..Last[c]]
Leader == [c \in Commands |-> [v \in Views[c] |-> ((IF c = "A" THEN 0 ELSE OwnerB) + v) % 3]]

(* A command's value is its dependencies, or that it is none at all. As there  *)
(* is one other command, "free" is D = {} and "after" is D = {the other}.      *)
None == "none"
NoOp == "no-op"
Union(d, e) == IF "after" \in {d, e} THEN "after" ELSE "free"

Init ==
  /\ view = [c \in Commands |-> [m \in Modules |-> 0]]
  /\ commit = [c \in Commands |-> [v \in Views[c] |-> [m \in Modules |-> None]]]
  /\ partner = [c \in Commands |-> [v \in Views[c] |-> Nobody]]
  /\ newView = [c \in Commands |-> [v \in Views[c] |-> None]]
  /\ decide = [c \in Commands |-> [v \in Views[c] |-> None]]
  /\ accept = [c \in Commands |-> [v \in Views[c] |-> None]]
  /\ final = [c \in Commands |-> [v \in Views[c] |-> [m \in Modules |-> None]]]

-----------------------------------------------------------------------------
(* The calls of the trusted module. Each checks that the space is in view v.   *)
(* To leave a view is no step of its own: it only forbids a module to sign in  *)
(* older views, so it is taken as late as can be, when the module gives the    *)
(* dump or first signs in the new view. Whatever can happen with an earlier    *)
(* leave can happen so too.                                                    *)

(* What m's table says: a command is in it once m proposed or acknowledged it. *)
Known(m, c) ==
  IF \E v \in Views[c] : commit[c][v][m] # None /\ ("norecord" \notin Dropped \/ m = Leader[c][v])
  THEN "after" ELSE "free"

Propose(c, v) ==
  LET m == Leader[c][v] IN
  /\ commit[c][v][m] = None
  /\ view[c][m] = v
  /\ v = 0 \/ newView[c][v] = "again"
  /\ commit' = [commit EXCEPT ![c][v][m] = Known(m, Other[c])]
  /\ \E p \in Partners : partner' = [partner EXCEPT ![c][v] = (m + p) % 3]
  /\ UNCHANGED <<view, newView, decide, accept, final>>

Ack(c, v, m) ==
  /\ commit[c][v][m] = None
  /\ commit[c][v][Leader[c][v]] # None
  /\ view[c][m] <= v
  /\ view' = [view EXCEPT ![c][m] = v]
  /\ commit' = [commit EXCEPT ![c][v][m] =
                  Union(commit[c][v][Leader[c][v]], Known(m, Other[c]))]
  /\ UNCHANGED <<partner, newView, decide, accept, final>>

(* The values for which the leader's module can issue a DECIDE: its own COMMIT *)
(* and the partner's, which need not match.                                    *)
Decidable(c, v) ==
  IF partner[c][v] = Nobody \/ commit[c][v][partner[c][v]] = None THEN {}
  ELSE {Union(commit[c][v][Leader[c][v]], commit[c][v][partner[c][v]])}

(* And an ACCEPT: its own COMMIT and any other, or what its NEWVIEW fixed.     *)
Acceptable(c, v) ==
  IF newView[c][v] \notin {None, "again"} THEN {newView[c][v]}
  ELSE {Union(commit[c][v][Leader[c][v]], commit[c][v][m]) :
          m \in {o \in Modules \ {Leader[c][v]} : commit[c][v][o] # None}}

(* At most one of decide and accept succeeds in a view, and once. *)
Decide(c, v) ==
  /\ decide[c][v] = None
  /\ accept[c][v] = None \/ "noexcl" \in Dropped
  /\ view[c][Leader[c][v]] = v
  /\ \E value \in Decidable(c, v) : decide' = [decide EXCEPT ![c][v] = value]
  /\ UNCHANGED <<view, commit, partner, newView, accept, final>>

Accept(c, v) ==
  /\ accept[c][v] = None
  /\ decide[c][v] = None \/ "noexcl" \in Dropped
  /\ view[c][Leader[c][v]] = v
  /\ \E value \in Acceptable(c, v) : accept' = [accept EXCEPT ![c][v] = value]
  /\ UNCHANGED <<view, commit, partner, newView, decide, final>>

Finalize(c, v, m) ==
  /\ accept[c][v] # None
  /\ final[c][v][m] = None
  /\ m # Leader[c][v]
  /\ view[c][m] <= v
  /\ view' = [view EXCEPT ![c][m] = v]
  /\ final' = [final EXCEPT ![c][v][m] = accept[c][v]]
  /\ UNCHANGED <<commit, partner, newView, decide, accept>>

-----------------------------------------------------------------------------
(* Recovery: the new leader's module applies the rules to the dumps of f + 1   *)
(* modules. One that left view u signs nothing in it any more, so its dump for *)
(* view v is what it has recorded of the views below v.                        *)

FinalOf(c, u, m) == IF m = Leader[c][u] THEN accept[c][u] ELSE final[c][u][m]

Recovered(c, v, dumps) ==
  LET below == 0..(v - 1)
      decided == {decide[c][u] : u \in {w \in below : Leader[c][w] \in dumps}} \ {None}
      recorded == {u \in below : \E m \in dumps : commit[c][u][m] # None \/ FinalOf(c, u, m) # None}
  IN IF decided # {} /\ "nodisclose" \notin Dropped THEN CHOOSE d \in decided : TRUE     \* rule 1
     ELSE IF recorded = {} THEN NoOp                                                     \* rule 2
     ELSE LET u == CHOOSE w \in recorded : \A x \in recorded : x <= w
              finals == {FinalOf(c, u, m) : m \in dumps} \ {None}
          IN IF finals # {} THEN CHOOSE d \in finals : TRUE                              \* rule 3
             ELSE IF Leader[c][u] \in dumps THEN "again"                                 \* rule 4
             ELSE IF commit[c][u][partner[c][u]] # None /\ "nocount" \notin Dropped
                  THEN commit[c][u][partner[c][u]]                                       \* rule 5
                  ELSE "again"                                                           \* rule 6

NewView(c, v) ==
  /\ newView[c][v] = None
  /\ view[c][Leader[c][v]] <= v
  /\ \E absent \in Modules :
       LET dumps == Modules \ {absent} IN
       /\ newView' = [newView EXCEPT ![c][v] = Recovered(c, v, dumps)]
       /\ view' = [view EXCEPT ![c] =
            [m \in Modules |-> IF @[m] < v /\ (m # absent \/ m = Leader[c][v]) THEN v ELSE @[m]]]
  /\ UNCHANGED <<commit, partner, decide, accept, final>>

(* In a space's last view nothing follows a decision, so that there DECIDE,    *)
(* ACCEPT and FINALIZE are no steps: Outcomes says what they could still be.   *)
Next ==
  \E c \in Commands :
    \E v \in Views[c] :
      \/ Propose(c, v)
      \/ \E m \in Modules : Ack(c, v, m)
      \/ v > 0 /\ NewView(c, v)
      \/ v < Last[c] /\ (Decide(c, v) \/ Accept(c, v) \/ \E m \in Modules : Finalize(c, v, m))

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* What some replica may take as decided: a DECIDE, or f + 1 FINALIZEs.        *)
(* Without the rule "everyone", the partner also decides, from the COMMITs.    *)
Decided(c) ==
  ({decide[c][v] : v \in Views[c]}
     \union {accept[c][v] : v \in {w \in Views[c] : \E m \in Modules : final[c][w][m] # None}}
     \union (IF "everyone" \in Dropped THEN UNION {Decidable(c, v) : v \in Views[c]} ELSE {}))
  \ {None}

Outcomes(c) == Decided(c) \union Decidable(c, Last[c]) \union Acceptable(c, Last[c])

Agreement == \A c \in Commands : \A d \in Decided(c) : \A e \in Outcomes(c) : d = e

Edges ==
  \A a \in Outcomes("A") : \A b \in Outcomes("B") : a \in {"after", NoOp} \/ b \in {"after", NoOp}
=============================================================================

-------------------------------- MODULE EzBFT --------------------------------
(* ezBFT with n = 4 (f = 1): two interfering commands, L in slot 0 of R0's     *)
(* space and X in slot 0 of R3's. One replica is Byzantine and helps whoever   *)
(* asks: it adds to any quorum whatever it could sign. If it is R0, slot L may *)
(* hold either of two commands. R0's space changes owner at most once.         *)
(*                                                                             *)
(* There are no messages here: what a correct replica once signed may reach    *)
(* anybody at any time, or never, and so may any certificate made of it.       *)
(* specs/README.md says what else is left out, and why.                        *)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
  OwnerL, OwnerX,  \* R0 and R3
  Helpers,         \* the correct ones of R1 and R2: both, or one if the other is Byzantine
  OwnerLies,       \* whether R0 is the Byzantine one; it may be R1, the space's next owner, too
  Names,           \* the commands that a Byzantine R0 may put into slot L: {1} or {1, 2}
  OwnerS,          \* the S that it may put into its SPECORDER
  MaxS,            \* the highest S that the Byzantine replica reports
  Conflict,        \* whether X is proposed at all
  Dropped          \* the corrected rules to leave out, of {"a", "b", "c", "d"}; {} is as built

Correct == Helpers \union {OwnerX} \union (IF OwnerLies THEN {} ELSE {OwnerL})

ASSUME Cardinality(Correct) = 3

(* The helpers differ in name only. *)
Alike == Permutations(Helpers)

VARIABLES
  replyL,   \* replyL[r]: r's SPECREPLY for slot L under owner number 0
  replyX,   \* replyX[r]: r's SPECREPLY for X (of R3: its SPECORDER)
  commitL,  \* commitL[r]: the value for which r sent COMMIT under owner number 0
  doneX,    \* the value of X where it was executed before L was decided
  moved,    \* the replicas that have given up owner number 0
  chosen,   \* what the new owner proposes for slot L
  round,    \* whether that proposal is subject to a dependency round
  noted     \* noted[r]: r's answer in that round

vars == <<replyL, replyX, commitL, doneX, moved, chosen, round, noted>>

Max(a, b) == IF a > b THEN a ELSE b
Lowest(numbers) == CHOOSE a \in numbers : \A b \in numbers : a <= b
Highest(numbers) == CHOOSE a \in numbers : \A b \in numbers : a >= b

(* A value says which command is in the slot, whether it depends on the other  *)
(* slot, and its S. A reply also says the result: the command executed before  *)
(* (0: none), or that there is none yet.                                       *)
None == [cmd |-> 9, after |-> FALSE, seq |-> 0]
NoOp == [cmd |-> 0, after |-> FALSE, seq |-> 0]
NoReply == [value |-> None, before |-> 0]
NoResult == 9
Unasked == "unasked"

Init ==
  /\ replyL = [r \in Correct |-> NoReply]
  /\ replyX = [r \in Correct |-> NoReply]
  /\ commitL = [r \in Correct |-> None]
  /\ doneX = None
  /\ moved = {}
  /\ chosen = None
  /\ round = FALSE
  /\ noted = [r \in Correct |-> Unasked]

-----------------------------------------------------------------------------
(* Certificates: what a client can make of 2f + 1 replies for one command, of  *)
(* which one may be the Byzantine replica's.                                   *)

Values(replies) == {replies[r].value : r \in Correct} \ {None}

(* Rule (b): S is the (f + 1)-th largest, here the second of three. With one   *)
(* reply made up that is anything between the two others.                      *)
SOf(numbers) ==
  IF "b" \in Dropped THEN Highest(numbers)..MaxS ELSE Lowest(numbers)..Highest(numbers)

(* The certificates of the replies of all correct replicas but one and of the  *)
(* Byzantine one, which may claim the dependency where there is evidence of it.*)
WithLiar(replies, absent, evidence) ==
  LET given == {replies[r].value : r \in Correct \ {absent}}
      after == IF \E v \in given : v.after THEN {TRUE}
               ELSE IF evidence THEN {FALSE, TRUE} ELSE {FALSE}
  IN IF None \in given \/ Cardinality({v.cmd : v \in given}) > 1 THEN {}
     ELSE {[cmd |-> v.cmd, after |-> a, seq |-> n] :
             v \in given, a \in after, n \in SOf({v.seq : v \in given})}

AllCorrect(replies) ==
  IF \/ NoReply \in {replies[r] : r \in Correct}
     \/ Cardinality({v.cmd : v \in Values(replies)}) > 1
  THEN {}
  ELSE LET s(r) == replies[r].value.seq
           below(r) == Cardinality({q \in Correct : s(q) < s(r)})
           notAbove(r) == Cardinality({q \in Correct : s(q) <= s(r)})
           second == {s(r) : r \in {q \in Correct : below(q) <= 1 /\ notAbove(q) >= 2}}
           largest == {Highest({s(r) : r \in Correct})}
       IN {[cmd |-> v.cmd, after |-> TRUE \in {w.after : w \in Values(replies)}, seq |-> n] :
             v \in Values(replies), n \in (IF "b" \in Dropped THEN largest ELSE second)}

Certificates(replies, evidence) ==
  AllCorrect(replies) \union
  UNION {WithLiar(replies, absent, evidence) : absent \in Correct}

ProposedX == replyX[OwnerX].value # None
ProposedL == OwnerLies \/ replyL[OwnerL].value # None
CertificatesL == Certificates(replyL, ProposedX)
CertificatesX == Certificates(replyX, ProposedL)

(* The fast path: 3f + 1 equal replies with equal results. *)
Fast(replies) ==
  LET all == {replies[r] : r \in Correct} IN
  IF Cardinality(all) = 1 /\ all # {NoReply} /\ \A a \in all : a.before # NoResult
  THEN {a.value : a \in all} ELSE {}

-----------------------------------------------------------------------------
(* What is decided for L under owner number 0: by a fast certificate, or by    *)
(* 2f + 1 COMMITs, so by two correct replicas (rule c). As printed, wherever a *)
(* client's COMMIT arrives.                                                    *)
Committed == {commitL[r] : r \in Correct} \ {None}
DecidedL ==
  Fast(replyL) \union
  {v \in Committed : "c" \in Dropped \/ Cardinality({r \in Correct : commitL[r] = v}) = 2}

(* SPECORDER and SPECREPLY. A reply depends on what the replica has recorded.  *)
(* Rule (a): it has a result only if all it depends on is finally executed.    *)

KnowsL(r) == replyL[r].value # None \/ noted[r] # Unasked
KnownL(r) == IF noted[r] # Unasked THEN chosen ELSE replyL[r].value

ExecutedL == \E v \in DecidedL : ~v.after
ExecutedX == doneX # None

ReplyX(r) ==
  LET order == IF r = OwnerX THEN [None EXCEPT !.seq = 1] ELSE replyX[OwnerX].value
      after == order.after \/ KnowsL(r)
  IN /\ replyX[r] = NoReply
     /\ ProposedX \/ (r = OwnerX /\ Conflict)
     /\ replyX' = [replyX EXCEPT ![r] =
          [value |-> [cmd |-> 1, after |-> after,
                      seq |-> IF KnowsL(r) THEN Max(order.seq, 1 + KnownL(r).seq) ELSE order.seq],
           before |-> IF ~after THEN 0
                      ELSE IF KnowsL(r) /\ (ExecutedL \/ "a" \in Dropped) THEN KnownL(r).cmd
                      ELSE NoResult]]
     /\ UNCHANGED <<replyL, commitL, doneX, moved, chosen, round, noted>>

(* The SPECORDERs of L that r may get. L's two commands differ only by name,   *)
(* so that the first to be recorded may be called 1.                           *)
OrdersL(r) ==
  IF OwnerLies
  THEN {[cmd |-> c, after |-> a, seq |-> s] :
          c \in (IF Values(replyL) = {} THEN {1} ELSE Names),
          a \in (IF ProposedX THEN {FALSE, TRUE} ELSE {FALSE}),
          s \in OwnerS}
  ELSE IF r = OwnerL THEN {[cmd |-> 1, after |-> FALSE, seq |-> 1]}
  ELSE {replyL[OwnerL].value} \ {None}

ReplyL(r) ==
  /\ replyL[r] = NoReply
  /\ r \notin moved
  /\ LET known == replyX[r].value IN
     \E order \in OrdersL(r) :
       LET after == order.after \/ known # None IN
       replyL' = [replyL EXCEPT ![r] =
         [value |-> [cmd |-> order.cmd, after |-> after,
                     seq |-> IF known # None THEN Max(order.seq, 1 + known.seq) ELSE order.seq],
          before |-> IF ~after THEN 0
                     ELSE IF ExecutedX \/ ("a" \in Dropped /\ known # None) THEN 1
                     ELSE NoResult]]
  /\ UNCHANGED <<replyX, commitL, doneX, moved, chosen, round, noted>>

(* X's space keeps its owner, so that agreement on X (rule c) is one step. It  *)
(* matters before the end only where it lets replies for L have results.       *)
ExecuteX ==
  /\ doneX = None
  /\ "a" \notin Dropped
  /\ \E r \in Correct \ moved : replyL[r] = NoReply
  /\ \E v \in Fast(replyX) \union CertificatesX : ~v.after /\ doneX' = v
  /\ UNCHANGED <<replyL, replyX, commitL, moved, chosen, round, noted>>

(* Rule (c): a certificate has 2f + 1 equal PREPAREs, as only one value can    *)
(* have, and two correct replicas send COMMIT; which two is all the same, as   *)
(* any OWNERCHANGE quorum has one of them. The COMMIT of one alone decides     *)
(* nothing, and in an owner change it allows no more than the liar's does, so  *)
(* it is no step. Neither is one after the owner change: it only repeats what  *)
(* is chosen. As printed, a client's COMMIT at any one replica is enough.      *)
CommitL ==
  /\ moved = {}
  /\ IF "c" \in Dropped
     THEN \E r \in Correct :
            /\ commitL[r] = None
            /\ \E v \in CertificatesL : commitL' = [commitL EXCEPT ![r] = v]
     ELSE /\ Committed = {}
          /\ \E v \in CertificatesL : commitL' = [r \in Correct |-> IF r = OwnerX THEN None ELSE v]
  /\ UNCHANGED <<replyL, replyX, doneX, moved, chosen, round, noted>>

-----------------------------------------------------------------------------
(* The owner change of R0's space: the OWNERCHANGEs of two correct replicas    *)
(* and the Byzantine one. (That of a third correct replica says nothing that   *)
(* the liar's could not say.) A replica leaves owner number 0 when it gives    *)
(* its OWNERCHANGE: an earlier leave could do no more.                         *)

(* Rule (d): a value that f + 1 of the entries agree on, else no-op; the       *)
(* liar's entry may agree with either other or with none. As printed (E5)      *)
(* nothing is chosen then.                                                     *)
Agreed(quorum) ==
  LET entries == {replyL[r].value : r \in quorum}
      otherwise == IF "d" \in Dropped THEN {} ELSE {NoOp}
  IN IF Cardinality(entries) = 1 /\ entries # {None} THEN entries
     ELSE (entries \ {None}) \union otherwise

OwnerChange ==
  /\ chosen = None
  /\ \E absent \in Correct :
       LET quorum == Correct \ {absent}
           shown == {commitL[r] : r \in quorum} \ {None}
           hidden == IF Committed = {} \/ "c" \in Dropped THEN CertificatesL ELSE Committed
       IN /\ moved' = quorum
          /\ \/ \E v \in shown \union hidden : chosen' = v /\ round' = FALSE
             \/ /\ shown = {}
                /\ \E v \in Agreed(quorum) :
                     chosen' = v /\ round' = (v # NoOp /\ "d" \notin Dropped)
  /\ UNCHANGED <<replyL, replyX, commitL, doneX, noted>>

(* The dependency round: r records the command and names what conflicts. *)
Note(r) ==
  /\ round
  /\ noted[r] = Unasked
  /\ noted' = [noted EXCEPT ![r] = IF replyX[r] # NoReply THEN "after" ELSE "free"]
  /\ moved' = moved \union {r}
  /\ UNCHANGED <<replyL, replyX, commitL, doneX, chosen, round>>

Next ==
  \/ OwnerChange
  \/ ExecuteX
  \/ CommitL
  \/ \E r \in Correct : ReplyL(r) \/ ReplyX(r) \/ Note(r)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* What can be decided from here without another step. Several values of Held  *)
(* may stand at different replicas; of Open, agreement leaves one.             *)

Answers(quorum) ==
  IF \E r \in quorum : noted[r] = Unasked THEN {}
  ELSE IF chosen.after \/ \E r \in quorum : noted[r] = "after" THEN {TRUE}
  ELSE IF ProposedX THEN {FALSE, TRUE} ELSE {FALSE}

OpenL ==
  IF chosen = None THEN {}
  ELSE IF ~round THEN {chosen}
  ELSE {[chosen EXCEPT !.after = a] :
          a \in UNION {Answers(Correct \ {absent}) : absent \in Correct}}

HeldL == DecidedL
HeldX ==
  Fast(replyX) \union (IF doneX = None THEN {} ELSE {doneX})
    \union (IF "c" \in Dropped THEN CertificatesX ELSE {})
OpenX == IF doneX = None THEN CertificatesX ELSE {}

Together(held, open) == (held \X (held \union open)) \union {<<v, v>> : v \in open}

(* Which is executed first. Rule (e) keeps one edge of two, which for two      *)
(* commands is what sorting their cycle by (S, instance) does.                 *)
First(l, x) ==
  IF l.after /\ x.after THEN (IF l.seq <= x.seq THEN "L" ELSE "X")
  ELSE IF l.after THEN "X" ELSE IF x.after THEN "L" ELSE "nothing says"

(* A slot holds one command, or none. *)
OneCommand == \A pair \in Together(HeldL, OpenL) : pair[1].cmd = pair[2].cmd

(* And its S is the same everywhere. *)
OneSequence ==
  /\ \A pair \in Together(HeldL, OpenL) : pair[1].seq = pair[2].seq
  /\ \A pair \in Together(HeldX, OpenX) : pair[1].seq = pair[2].seq

(* The two commands have an edge, and are executed in one order everywhere. *)
OneOrder ==
  LET valuesX == Together(HeldX, OpenX) IN
  \A ls \in {p \in Together(HeldL, OpenL) : NoOp \notin {p[1], p[2]}} :
    \A xs \in valuesX :
      /\ First(ls[1], xs[1]) # "nothing says"
      /\ First(ls[1], xs[1]) = First(ls[2], xs[2])

(* A result that a client took on the fast path is that of the final order:    *)
(* what it says was executed before is what is executed before in the end.     *)
BeforeX(l, x) == IF l # NoOp /\ First(l, x) = "L" THEN l.cmd ELSE 0
BeforeL(l, x) == IF l = NoOp THEN NoResult ELSE IF First(l, x) = "X" THEN 1 ELSE 0

FastResult ==
  LET valuesL == HeldL \union OpenL
      valuesX == HeldX \union OpenX
  IN /\ \/ Fast(replyX) = {}
        \/ \A l \in valuesL : \A x \in valuesX : replyX[OwnerX].before = BeforeX(l, x)
     /\ \/ Fast(replyL) = {}
        \/ \A l \in valuesL : \A x \in valuesX : replyL[OwnerX].before = BeforeL(l, x)
=============================================================================

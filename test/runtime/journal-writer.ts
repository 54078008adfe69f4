// A process that fills a journal and says which records it was told are durable, until it is
// killed or the disk is full.

import { writeSync } from "node:fs";
import { image, note, openJournal, recoverAll } from "./records.js";

const [, , folder] = process.argv;
const journal = openJournal(folder!, 400_000);
recoverAll(journal);
try {
  for (let number = 1; ; number++) {
    journal.append(note(number, 10_000));
    if (number % 20 === 0) {
      journal.checkpoint(image(number, [number % 256, 1, 2], 1 << 20), [], number % 140 === 0);
    }
    await journal.commit();
    writeSync(1, `${number}\n`);
  }
} catch (error) {
  writeSync(2, `${String(error)}\n`);
  process.exit(3);
}

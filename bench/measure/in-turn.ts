/**
 * Measures every subject `count` times, one after the other, so that what slows the machine down for a while weighs on all
 * alike; in every other turn backwards, so that none is always the first. The figures of each subject, in their order:
 * those of one turn have the same index.
 */
export async function measureInTurn<Subject>(
  subjects: readonly Subject[],
  count: number,
  measure: (subject: Subject) => Promise<number>,
): Promise<readonly (readonly number[])[]> {
  const entries = subjects.map((subject) => ({ subject, figures: [] as number[] }));
  for (let turn = 0; turn < count; turn += 1) {
    const order = turn % 2 === 0 ? entries : entries.toReversed();
    for (const { subject, figures } of order) figures.push(await measure(subject));
  }
  return entries.map(({ figures }) => figures);
}

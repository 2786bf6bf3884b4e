/** The dash for a value that is not known, read out as a word. */
export function Unknown({ what = "unknown" }: { readonly what?: string }) {
  return (
    <>
      <span aria-hidden="true">–</span>
      <span className="visually-hidden">{what}</span>
    </>
  );
}

/** A run folder beside the photos, named after them: `/data/fruit` gives `/data/fruit-run`. Empty for what is no path. */
export function suggestedOut(source: string): string {
  const trimmed = source.replace(/[\\/]+$/, "");
  // Beside a bucket nothing can stand: such a run goes where the person says.
  if (!/[\\/]/.test(trimmed) || trimmed.includes("://") || /[*?]/.test(trimmed)) return "";
  return `${trimmed}-run`;
}

// Tables and quantities as people read them.

/** A column of a table: numbers stand right. */
export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

/**
 * Aligned columns, two spaces apart, a title line first; no trailing blanks and no final line
 * break.
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map((column) => column.title), ...rows];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const pad = (cell: string, at: number) =>
    columns[at]?.align === "right" ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0);
  return lines.map((line) => line.map(pad).join("  ").trimEnd()).join("\n");
}

const scales = ["", " k", " M", " G"];

/** Three significant digits and a scale: `512`, `1.25 M`. */
export function quantity(value: number): string {
  return scaled(value, scales, 1000);
}

const byteScales = [" B", " KB", " MB", " GB"];

/** `812 B`, `45.3 MB`; powers of 1000. */
export function bytes(value: number): string {
  return scaled(value, byteScales, 1000);
}

function scaled(value: number, units: readonly string[], base: number): string {
  let scale = 0;
  while (value >= base * 0.9995 && scale < units.length - 1) {
    value /= base;
    scale += 1;
  }
  const digits = scale === 0 && Number.isInteger(value) ? 0 : Math.max(0, 2 - magnitude(value));
  return `${value.toFixed(digits)}${units[scale]}`;
}

const magnitude = (value: number) => Math.floor(Math.log10(Math.max(Math.abs(value), 1)));

/** A duration given in milliseconds: `0.21 ms`, `350 ms`, `2.4 s`. */
export function duration(ms: number): string {
  if (ms >= 999.5) return `${(ms / 1000).toFixed(ms < 9995 ? 2 : 1)} s`;
  return `${ms.toFixed(ms < 9.995 ? 2 : ms < 99.95 ? 1 : 0)} ms`;
}

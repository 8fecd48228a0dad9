// Colours that people with any kind of colour vision tell apart, on light and on dark; after the last of them the lines
// are dashed, so that sixteen series are still sixteen.
const LIGHT = ["#0066cc", "#b1380b", "#3d7317", "#5e40be", "#96640f", "#147878", "#a30000", "#4d4d4d"];
const DARK = ["#73bcf7", "#f89b78", "#87bb62", "#b6a6e9", "#ffcc17", "#63bdbd", "#ff7468", "#c7c7c7"];
const DASHES = [[], [6, 3], [2, 3]];

export interface Stroke {
  color: string;
  dash: number[];
}

export function strokeOf(index: number, dark: boolean): Stroke {
  const colors = dark ? DARK : LIGHT;
  return {
    color: colors[index % colors.length] ?? "#808080",
    dash: DASHES[Math.floor(index / colors.length) % DASHES.length] ?? [],
  };
}

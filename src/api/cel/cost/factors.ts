/** What work costs, in the units that the field's limits are given in. */
export const COST = {
  select: 1,
  call: 1,
  list: 10,
  map: 30,
  struct: 40,
  /** For each character that is gone through. */
  character: 0.1,
  /** For each character of a pattern. */
  pattern: 0.25,
} as const

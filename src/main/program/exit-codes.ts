/** Exit code for what starting again cannot cure: the supervisor knows it. */
export const WRONG_USE = 2

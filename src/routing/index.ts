export { type Automaton, accepts, compileRegex } from './regex.ts'
export { type Asked, decide } from './decide.ts'
export { clientHash, spreadOf } from './spread.ts'
export { parseMatch } from './match-text.ts'
export { encodeProgram, fitsProgram } from './program.ts'
export { forScheme, looksAtScheme } from './for-scheme.ts'
export { answers, isAnswer } from './rule.ts'
export type {
  AnswerEdit,
  BasicAuth,
  Condition,
  Cors,
  Edit,
  Forward,
  Gate,
  Login,
  Token,
  HeaderEdit,
  Mirror,
  Observe,
  Origin,
  Redirect,
  Rule,
  Share,
  Stick,
  TextMatch,
} from './rule.ts'

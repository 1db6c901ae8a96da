// The part of base that needs no Node module: what `api` and the browser may use.
export { SampanError, UserError } from './errors.ts'

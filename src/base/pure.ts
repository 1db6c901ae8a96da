// The part of base that needs no Node module: what `api` and the browser may use.
export { SampanError, UserError, messageOf } from './errors.ts'
export {
  type JsonDocument,
  type JsonLimits,
  type NumberLiterals,
  readJson,
} from './codec/json.ts'
export type { FieldPlace } from './codec/json-places.ts'
export { ProtobufError, ProtobufReader, ProtobufWriter, WIRE, type WireType } from './codec/protobuf.ts'

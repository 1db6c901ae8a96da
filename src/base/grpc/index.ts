export { FrameReader, frame } from './frames.ts'
export { type RpcStream, RpcFailed, Session, type SessionOptions, type TlsFiles } from './session.ts'

/** What only a server with webhooks needs. */
export { RemoteCaller } from '../../remote/post-json.ts'
export { applyHookPatch } from './apply-patch.ts'
export { CallFailure, callHook, failedClosed } from './call-hook.ts'

export { endpointSliceController } from './endpointslice.ts'
export { endpointSliceMirroringController } from './mirroring.ts'

export { localDeleter } from './deleter.ts'
export { localProvisioner } from './provisioner.ts'
export { localResizer } from './resizer.ts'
export { localStockKeeper } from './stock-keeper.ts'

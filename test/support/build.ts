export { buildCore as setup } from '../../scripts/build-core.ts'

/** The original's files of single fits, and what CPython unpickles of its answers: nside, pixel, variation, llh. */
export const taskFiles: readonly (readonly [
  name: string,
  fit: { readonly nside: number; readonly pixel: number; readonly posvar: number },
  llh: number,
])[] = [
  ["millipede_original/BRONZE", { nside: 1, pixel: 0, posvar: 0 }, 4400.257537913162],
  ["millipede_original/GOLD", { nside: 1, pixel: 8, posvar: 0 }, 6005.269564655553],
  ["millipede_original/JSON", { nside: 1, pixel: 9, posvar: 0 }, 471.81879528589195],
  ["millipede_wilks/BRONZE", { nside: 1, pixel: 4, posvar: 0 }, 887.3922109329362],
  ["millipede_wilks/GOLD", { nside: 1, pixel: 7, posvar: 0 }, 2408.6851829957054],
  ["millipede_wilks/JSON", { nside: 1, pixel: 3, posvar: 0 }, 127.51615963455372],
  ["splinempe/BRONZE", { nside: 1, pixel: 9, posvar: 3 }, 1094.1010782779736],
  ["splinempe/GOLD", { nside: 1, pixel: 8, posvar: 2 }, 2454.1272793061094],
  ["splinempe_pointed/BRONZE", { nside: 1, pixel: 9, posvar: 3 }, 1094.1010782779736],
  ["splinempe_pointed/GOLD", { nside: 1, pixel: 8, posvar: 2 }, 2454.1272793061094],
];

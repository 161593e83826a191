// Included before everything else (g++ -include): binds to the oldest version of each C library
// function, so that the library loads on worker nodes with glibc 2.28. The functions are the same;
// newer versions only dropped the SVID error handling around them.
#pragma once

#if defined(__GLIBC__) || defined(__linux__)
__asm__(".symver exp,exp@GLIBC_2.2.5");
__asm__(".symver exp2,exp2@GLIBC_2.2.5");
__asm__(".symver log,log@GLIBC_2.2.5");
__asm__(".symver log2,log2@GLIBC_2.2.5");
__asm__(".symver pow,pow@GLIBC_2.2.5");
__asm__(".symver hypot,hypot@GLIBC_2.2.5");
__asm__(".symver fmod,fmod@GLIBC_2.2.5");
#endif
